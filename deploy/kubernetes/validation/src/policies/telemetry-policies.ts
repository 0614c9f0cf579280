/** What leaves a pod for whoever watches it: traces reach their collector, and logs are read with no right beyond that. */
import type { Cluster, Workload } from "../cluster.ts";
import { at, type Json, list, namespaceOf, number, record, text, titleOf } from "../document.ts";
import type { Policy } from "./policy.ts";

/** The variable OpenTelemetry gives the address of a collector. */
const ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT";

/** Namespace of what our chassis runs: all of it can make traces. */
const TRACED = "shop";

/** Who reads the logs of every namespace that has pods; the defaults of Alloy's chart. */
const READER = { kind: "ServiceAccount", name: "alloy", namespace: "monitoring" };

/** All that a role of ours may grant, by resource of the core API. */
const GRANTED: Readonly<Record<string, readonly string[]>> = {
  pods: ["get", "list", "watch"],
  "pods/log": ["get"],
};

function endpointOf({ containers }: Workload): string | null {
  const variable = containers
    .flatMap((container) => list(at(container, "env")))
    .find((entry) => text(entry, "name") === ENDPOINT);
  return variable === undefined ? null : text(variable, "value");
}

function traces(workload: Workload, cluster: Cluster): readonly string[] {
  const endpoint = endpointOf(workload);
  if (endpoint === null) {
    return workload.namespace === TRACED ? [`${workload.title} sends its traces nowhere`] : [];
  }
  const { hostname, port } = URL.parse(endpoint) ?? { hostname: "", port: "" };
  const [service = "", namespace = ""] = hostname.split(".");
  const rules = cluster
    .selecting("NetworkPolicy", workload, "spec", "podSelector", "matchLabels")
    .flatMap((policy) => list(at(policy, "spec", "egress")));
  return rules.some((rule) => leadsTo(rule, { service, namespace, port: Number(port) }))
    ? []
    : [`${workload.title} sends traces to ${endpoint}, and no policy lets it`];
}

/** By custom, pods carry the name of their service. */
function leadsTo(
  rule: Json,
  target: { readonly service: string; readonly namespace: string; readonly port: number },
): boolean {
  const peers = list(at(rule, "to")).filter(
    (peer) =>
      text(peer, "namespaceSelector", "matchLabels", "kubernetes.io/metadata.name") ===
        target.namespace &&
      text(peer, "podSelector", "matchLabels", "app.kubernetes.io/name") === target.service,
  );
  const ports = list(at(rule, "ports")).filter(
    (port) => text(port, "protocol") === "TCP" && number(port, "port") === target.port,
  );
  return peers.length > 0 && ports.length > 0;
}

/** What the roles bound to the reader of logs grant in a namespace, as `resource verb`. */
function grantedToReader(namespace: string, cluster: Cluster): ReadonlySet<string> {
  const roles = cluster
    .all("RoleBinding", namespace)
    .filter((binding) => list(at(binding, "subjects")).some(isReader))
    .map((binding) => cluster.find("Role", namespace, text(binding, "roleRef", "name")));
  return new Set(
    roles.flatMap((role) => list(at(role, "rules"))).flatMap((rule) => [...grantsOf(rule)]),
  );
}

function isReader(subject: Json): boolean {
  return Object.entries(READER).every(([key, value]) => record(subject)[key] === value);
}

function grantsOf(rule: Json): readonly string[] {
  return words(rule, "resources").flatMap((resource) =>
    words(rule, "verbs").map((verb) => `${resource} ${verb}`),
  );
}

function words(rule: Json, key: string): readonly string[] {
  return list(at(rule, key)).filter((one) => typeof one === "string");
}

const NEEDED: readonly string[] = Object.entries(GRANTED).flatMap(([resource, verbs]) =>
  verbs.map((verb) => `${resource} ${verb}`),
);

function unread(cluster: Cluster): readonly string[] {
  const namespaces = new Set(cluster.workloads.map(({ namespace }) => namespace));
  return [...namespaces].flatMap((namespace) => {
    const granted = grantedToReader(namespace, cluster);
    return NEEDED.filter((grant) => !granted.has(grant)).map(
      (grant) => `nobody may read the logs of namespace ${namespace}: ${grant} is not granted`,
    );
  });
}

function tooMuch(cluster: Cluster): readonly string[] {
  const wide = ["ClusterRole", "ClusterRoleBinding"]
    .flatMap((kind) => cluster.all(kind))
    .map((document) => `${titleOf(document)} reaches beyond the namespaces of this project`);
  const roles = cluster.all("Role").flatMap((role) =>
    list(at(role, "rules")).flatMap((rule) => {
      const core = list(at(rule, "apiGroups")).every((group) => group === "");
      return grantsOf(rule)
        .filter((grant) => !core || !NEEDED.includes(grant))
        .map((grant) => `${titleOf(role)} grants ${grant}, which nothing needs`);
    }),
  );
  const bindings = cluster.all("RoleBinding").flatMap((binding) => [
    ...list(at(binding, "subjects"))
      .filter((subject) => !isReader(subject))
      .map((subject) => `${titleOf(binding)} gives rights to ${text(subject, "name")}`),
    ...(cluster.find("Role", namespaceOf(binding), text(binding, "roleRef", "name")) === undefined
      ? [`${titleOf(binding)} binds a role that is not here`]
      : []),
  ]);
  return [...wide, ...roles, ...bindings];
}

export const telemetryPolicies: readonly Policy[] = [
  { name: "traces", check: (cluster) => cluster.workloads.flatMap((w) => traces(w, cluster)) },
  { name: "log-reader", check: unread },
  { name: "least-rights", check: tooMuch },
];
