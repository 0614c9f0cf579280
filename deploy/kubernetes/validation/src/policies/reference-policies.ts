/** Names and numbers that stand in two places and must be the same in both. */
import type { Cluster, Workload } from "../cluster.ts";
import { at, type Json, list, picks, record, text, titleOf } from "../document.ts";
import type { Policy } from "./policy.ts";

const PROBES = ["startupProbe", "readinessProbe", "livenessProbe"];

function hasPort({ containers }: Workload, wanted: Json | undefined): boolean {
  return containers
    .flatMap((container) => list(at(container, "ports")))
    .some((port) => at(port, "name") === wanted || at(port, "containerPort") === wanted);
}

/** The workloads a selector of another document picks; a wrong one picks none. */
function picked(document: Json, cluster: Cluster, ...path: readonly string[]): readonly Workload[] {
  const selector = at(document, ...path);
  return cluster.workloads.filter(
    ({ namespace, labels }) =>
      namespace === text(document, "metadata", "namespace") &&
      selector !== undefined &&
      picks(selector, labels),
  );
}

function probePorts(workload: Workload): readonly string[] {
  return workload.containers.flatMap((container) =>
    PROBES.filter((probe) => !hasPort(workload, at(container, probe, "httpGet", "port"))).map(
      (probe) => `${workload.title}: ${probe} asks a port that the container does not have`,
    ),
  );
}

/** Where the process is told to listen, in its environment or on its command line. */
function listens(workload: Workload): readonly string[] {
  return workload.containers.flatMap((container) => {
    const variable = list(at(container, "env")).find((entry) => text(entry, "name") === "PORT");
    const args = JSON.stringify(at(container, "args") ?? []);
    const told = text(variable, "value") || /--listen=[^"]+:(\d+)/.exec(args)?.[1] || "";
    if (told === "") return [];
    return hasPort(workload, Number(told))
      ? []
      : [`${workload.title} is told to listen on ${told}, which is not its container's port`];
  });
}

function services(service: Json, cluster: Cluster): readonly string[] {
  const behind = picked(service, cluster, "spec", "selector");
  if (behind.length === 0) return [`${titleOf(service)} picks no pod`];
  return list(at(service, "spec", "ports")).flatMap((port) =>
    behind
      .filter((workload) => !hasPort(workload, at(port, "targetPort")))
      .map(({ title }) => `${titleOf(service)} sends to a port that ${title} does not have`),
  );
}

function monitors(monitor: Json, cluster: Cluster): readonly string[] {
  const found = cluster
    .all("Service", text(monitor, "metadata", "namespace"))
    .filter((service) =>
      picks(at(monitor, "spec", "selector", "matchLabels"), at(service, "metadata", "labels")),
    );
  if (found.length === 0) return [`${titleOf(monitor)} picks no service`];
  const names = found.flatMap((service) =>
    list(at(service, "spec", "ports")).map((port) => text(port, "name")),
  );
  return list(at(monitor, "spec", "endpoints"))
    .map((endpoint) => text(endpoint, "port"))
    .filter((port) => !names.includes(port))
    .map((port) => `${titleOf(monitor)} scrapes port ${port}, which its service does not have`);
}

function routes(document: Json, cluster: Cluster): readonly string[] {
  const namespace = text(document, "metadata", "namespace");
  const targets = [
    at(document, "spec", "serviceRef"),
    ...list(at(document, "spec", "rules"))
      .flatMap((rule) => list(at(rule, "http", "paths")))
      .map((path) => at(path, "backend", "service")),
  ].filter((target) => target !== undefined);
  return targets.flatMap((target) => {
    const service = cluster.find("Service", namespace, text(target, "name"));
    const wanted = at(target, "port", "name") ?? at(target, "port");
    const ports = list(at(service, "spec", "ports"));
    return ports.some((port) => at(port, "name") === wanted || at(port, "port") === wanted)
      ? []
      : [`${titleOf(document)} leads to a service or port that does not exist`];
  });
}

const IDENTITY = ["eks.amazonaws.com/role-arn", "azure.workload.identity/client-id"];

function accounts(workload: Workload, cluster: Cluster): readonly string[] {
  const account = cluster.find(
    "ServiceAccount",
    workload.namespace,
    text(workload.pod, "serviceAccountName"),
  );
  if (account === undefined) return [`${workload.title} has no service account of its own`];
  const annotations = record(at(account, "metadata", "annotations"));
  const azure = annotations["azure.workload.identity/client-id"] !== undefined;
  const used = record(workload.labels)["azure.workload.identity/use"] === "true";
  return azure === used
    ? []
    : [`${workload.title}: the label azure.workload.identity/use and its account do not agree`];
}

/** Accounts that act in the cloud, as the Terraform stacks make roles for them. */
const ACTING = [
  ["cloudphoenix", "controller"],
  ["cloudphoenix", "external-secrets"],
  ["cloudphoenix", "worker"],
  ["shop", "orders"],
] as const;

function identities(cluster: Cluster): readonly string[] {
  return ACTING.flatMap(([namespace, name]) => {
    const account = cluster.find("ServiceAccount", namespace, name);
    const annotations = record(at(account, "metadata", "annotations"));
    return IDENTITY.some((key) => annotations[key] !== undefined)
      ? []
      : [`ServiceAccount ${namespace}/${name} has no identity in the cloud`];
  });
}

/** The audience each cloud wants in the token of the other's cluster. */
const AUDIENCES = ["api://AzureADTokenExchange", "sts.amazonaws.com"];

/** The worker is in one cloud and acts in both: it needs a token that the other one takes, and must be told where. */
function peerTokens(cluster: Cluster): readonly string[] {
  return cluster.workloads
    .filter(({ name }) => name === "worker")
    .flatMap(({ title, pod, containers }) => {
      const volumes = list(at(pod, "volumes")).filter((volume) =>
        list(at(volume, "projected", "sources")).some((source) =>
          AUDIENCES.includes(text(source, "serviceAccountToken", "audience")),
        ),
      );
      const names = volumes.map((volume) => text(volume, "name"));
      const mounts = containers
        .flatMap((container) => list(at(container, "volumeMounts")))
        .filter((mount) => names.includes(text(mount, "name")))
        .map((mount) => `${text(mount, "mountPath")}/`);
      const told = containers
        .flatMap((container) => list(at(container, "env")))
        .filter((variable) => text(variable, "name").endsWith("_TOKEN_FILE"))
        .map((variable) => text(variable, "value"));
      return told.some((file) => mounts.some((mount) => file.startsWith(mount)))
        ? []
        : [`${title} has no token for the other cloud, or is not told where it is`];
    });
}

function budgets(budget: Json, cluster: Cluster): readonly string[] {
  const found = picked(budget, cluster, "spec", "selector", "matchLabels");
  return found.length > 0 ? [] : [`${titleOf(budget)} picks no pod`];
}

export const referencePolicies: readonly Policy[] = [
  { name: "probe-ports", check: ({ workloads }) => workloads.flatMap(probePorts) },
  { name: "listen-ports", check: ({ workloads }) => workloads.flatMap(listens) },
  {
    name: "own-selector",
    check: ({ workloads }) =>
      workloads
        .filter(({ document, labels }) => {
          const selector = at(document, "spec", "selector", "matchLabels");
          return selector === undefined || !picks(selector, labels);
        })
        .map(({ title }) => `${title} does not pick its own pods`),
  },
  { name: "services", check: (c) => c.all("Service").flatMap((s) => services(s, c)) },
  { name: "monitors", check: (c) => c.all("ServiceMonitor").flatMap((m) => monitors(m, c)) },
  {
    name: "monitored",
    check: (c) =>
      c.workloads
        .filter(({ namespace, name }) => c.find("ServiceMonitor", namespace, name) === undefined)
        .map(({ title }) => `${title} is not scraped`),
  },
  {
    name: "routes",
    check: (c) =>
      [...c.all("Ingress"), ...c.all("TargetGroupBinding")].flatMap((d) => routes(d, c)),
  },
  {
    name: "budget-selectors",
    check: (c) => c.all("PodDisruptionBudget").flatMap((b) => budgets(b, c)),
  },
  { name: "service-accounts", check: (c) => c.workloads.flatMap((w) => accounts(w, c)) },
  { name: "cloud-identities", check: identities },
  { name: "peer-tokens", check: peerTokens },
];
