/** Secrets come from the cloud's store, and every file that the configuration names is there. */
import { validateConfiguration } from "../../../../../packages/config/src/index.ts";
import type { Cluster, Workload } from "../cluster.ts";
import { at, type Json, list, number, text, titleOf } from "../document.ts";
import type { Policy } from "./policy.ts";

const SECRET_FILE = /\/run\/secrets\/cloudphoenix\/([A-Za-z0-9._-]+)/g;

/** Names of the Secrets a pod mounts or reads. */
function secretsOf({ pod, everyContainer }: Workload): readonly string[] {
  const mounted = list(at(pod, "volumes")).map((volume) => text(volume, "secret", "secretName"));
  const read = everyContainer.flatMap((container) => [
    ...list(at(container, "env")).map((e) => text(e, "valueFrom", "secretKeyRef", "name")),
    ...list(at(container, "envFrom")).map((e) => text(e, "secretRef", "name")),
  ]);
  return [...mounted, ...read].filter((name) => name !== "");
}

const makerOf = (cluster: Cluster, namespace: string, secret: string): Json | undefined =>
  cluster
    .all("ExternalSecret", namespace)
    .find((maker) => text(maker, "spec", "target", "name") === secret);

function stores(maker: Json, cluster: Cluster): readonly string[] {
  const wanted = at(maker, "spec", "secretStoreRef");
  const store = cluster.find(text(wanted, "kind"), "", text(wanted, "name"));
  const allowed = list(at(store, "spec", "conditions")).flatMap((c) => list(at(c, "namespaces")));
  return allowed.includes(text(maker, "metadata", "namespace"))
    ? []
    : [`${titleOf(maker)} asks a store that does not exist or does not serve its namespace`];
}

function configurationOf(cluster: Cluster): string {
  const map = cluster
    .all("ConfigMap", "cloudphoenix")
    .find((found) => text(found, "data", "cloudphoenix.yaml") !== "");
  return text(map, "data", "cloudphoenix.yaml");
}

/** Files that the controller opens at its start: all that are named, except what only agents need. */
function controllerFiles(cluster: Cluster): readonly string[] {
  const files = [...configurationOf(cluster).matchAll(SECRET_FILE)].map(([, name]) => name ?? "");
  return [...new Set(files)].filter((name) => !/\.keeper-(database|witness)$/.test(name));
}

function agentFiles(cluster: Cluster): readonly string[] {
  const map = cluster
    .all("ConfigMap", "cloudphoenix")
    .find((found) => text(found, "data", "VANTAGE") !== "");
  const site = text(map, "data", "SITE");
  const named = [...configurationOf(cluster).matchAll(SECRET_FILE)].map(([, name]) => name ?? "");
  return [...new Set(named)].filter(
    (name) => name.endsWith(".agent-token") || name.startsWith(`${site}.keeper-`),
  );
}

/** What a worker opens: the state database, and stores that are not reached by role. */
function workerFiles(cluster: Cluster): readonly string[] {
  const named = configurationOf(cluster).matchAll(
    /(?:\bstate:[^]*?\bpassword_file|\bcredentials_file): \/run\/secrets\/cloudphoenix\/([A-Za-z0-9._-]+)/g,
  );
  return [...named].map(([, name = ""]) => name);
}

function missingFiles(cluster: Cluster): readonly string[] {
  const wanted = {
    controller: controllerFiles(cluster),
    agent: agentFiles(cluster),
    worker: workerFiles(cluster),
  };
  return Object.entries(wanted).flatMap(([name, files]) => {
    const maker = makerOf(cluster, "cloudphoenix", name);
    const keys = list(at(maker, "spec", "data")).map((entry) => text(entry, "secretKey"));
    return files
      .filter((file) => !keys.includes(file))
      .map((file) => `the configuration names ${file}, which ${name} does not get`);
  });
}

function configuration(cluster: Cluster): readonly string[] {
  const read = validateConfiguration(
    configurationOf(cluster),
    "/etc/cloudphoenix/cloudphoenix.yaml",
  );
  if ("problems" in read) return read.problems.map(({ message }) => `cloudphoenix.yaml ${message}`);
  const { port } = read.configuration.api.listen;
  const controller = cluster.workloads.find(({ name }) => name === "controller");
  const ports = (controller?.containers ?? []).flatMap((c) => list(at(c, "ports")));
  return ports.some((found) => number(found, "containerPort") === port)
    ? []
    : [
        `cloudphoenix.yaml lets the controller listen on ${port}, which its container does not have`,
      ];
}

/** Namespace of the application, whose pods speak to the database of their own site alone. */
const APPLICATION = "shop";
/** Whose databases have certificates of authorities that no public list holds. */
const PRIVATE_AUTHORITIES = "aws";

/**
 * Whether a workload checks certificates that Node.js cannot check by itself: those of RDS. A controller
 * speaks to both sites' databases; agents and workers to the state database, which may be anywhere.
 */
function checksPrivateCertificates({ namespace, containers }: Workload, cluster: Cluster): boolean {
  if (namespace !== APPLICATION) return configurationOf(cluster).includes("sslmode=verify-full");
  const hasDatabase = containers
    .flatMap((container) => list(at(container, "env")))
    .some((variable) => text(variable, "name") === "DATABASE_PASSWORD_FILE");
  const settings = containers
    .flatMap((container) => list(at(container, "envFrom")))
    .map((source) => text(source, "configMapRef", "name"))
    .map((name) => cluster.find("ConfigMap", namespace, name));
  return (
    hasDatabase &&
    settings.some((map) => text(map, "data", "DATABASE_URL").includes("sslmode=verify-full")) &&
    settings.some((map) => text(map, "data", "CLOUD") === PRIVATE_AUTHORITIES)
  );
}

/** Whether Node.js is told of more authorities, in a file that is mounted. */
function hasAuthorities({ pod, containers }: Workload): boolean {
  const volumes = list(at(pod, "volumes"))
    .filter((volume) => text(volume, "configMap", "name") === "database-ca")
    .map((volume) => text(volume, "name"));
  return containers.every((container) => {
    const file = text(
      list(at(container, "env")).find((entry) => text(entry, "name") === "NODE_EXTRA_CA_CERTS"),
      "value",
    );
    return list(at(container, "volumeMounts")).some(
      (mount) =>
        volumes.includes(text(mount, "name")) && file.startsWith(`${text(mount, "mountPath")}/`),
    );
  });
}

export const secretPolicies: readonly Policy[] = [
  {
    name: "no-secrets-in-manifests",
    check: (cluster) => cluster.all("Secret").map((s) => `${titleOf(s)} stands in the manifests`),
  },
  {
    name: "external-secrets",
    check: (cluster) =>
      cluster.workloads.flatMap((workload) =>
        secretsOf(workload)
          .filter((name) => makerOf(cluster, workload.namespace, name) === undefined)
          .map((name) => `${workload.title} wants secret ${name}, which no ExternalSecret makes`),
      ),
  },
  {
    name: "secret-stores",
    check: (cluster) => cluster.all("ExternalSecret").flatMap((maker) => stores(maker, cluster)),
  },
  { name: "secret-files", check: missingFiles },
  {
    name: "database-authorities",
    check: (cluster) =>
      cluster.workloads
        .filter((workload) => checksPrivateCertificates(workload, cluster))
        .filter((workload) => !hasAuthorities(workload))
        .map(
          ({ title }) =>
            `${title} checks the database's certificate (verify-full) without its authority: mount database-ca and set NODE_EXTRA_CA_CERTS`,
        ),
  },
  { name: "configuration", check: configuration },
];
