/** The way in: who is taken at their word, and what can be asked for from outside. */
import type { Cluster, Workload } from "../cluster.ts";
import { at, type Json, list, namespaceOf, picks, text, titleOf } from "../document.ts";
import type { Policy } from "./policy.ts";

/** What is nobody's business outside: paths of our services that the way in must not lead to. */
const INTERNAL = [
  "/metrics",
  "/openapi.json",
  "/startup",
  "/queue",
  "/receipts",
  "/receipts/set-aside",
];

/** Workloads that a balancer or an ingress controller stands before. */
function entered(cluster: Cluster): readonly Workload[] {
  const routes = [...cluster.all("TargetGroupBinding"), ...cluster.all("Ingress")];
  const names = routes.flatMap((route) => [
    text(route, "spec", "serviceRef", "name"),
    ...pathsOf(route).map(({ service }) => service),
  ]);
  const [namespaces, services] = [new Set(routes.map(namespaceOf)), new Set(names)];
  const selectors = cluster
    .all("Service")
    .filter(
      (each) => namespaces.has(namespaceOf(each)) && services.has(text(each, "metadata", "name")),
    )
    .map((each) => at(each, "spec", "selector"));
  return cluster.workloads.filter(({ namespace, labels }) =>
    selectors.some((selector) => namespaces.has(namespace) && picks(selector, labels)),
  );
}

/**
 * With no proxy trusted every visitor has the proxy's address, and one who asks too much takes the
 * allowance of all; with more than there are, visitors write their address themselves.
 */
function knowsVisitors({ title, containers }: Workload): readonly string[] {
  const trusted = containers
    .flatMap((container) => list(at(container, "env")))
    .filter((variable) => text(variable, "name") === "TRUSTED_PROXIES")
    .map((variable) => text(variable, "value"));
  return trusted.length === 1 && trusted[0] === "1"
    ? []
    : [`${title} must trust the one proxy before it (TRUSTED_PROXIES=1)`];
}

interface EntryPath {
  readonly host: string;
  readonly path: string;
  readonly exact: boolean;
  readonly service: string;
}

function pathsOf(ingress: Json): readonly EntryPath[] {
  return list(at(ingress, "spec", "rules")).flatMap((rule) =>
    list(at(rule, "http", "paths")).map((entry) => ({
      host: text(rule, "host"),
      path: text(entry, "path"),
      exact: text(entry, "pathType") === "Exact",
      service: text(entry, "backend", "service", "name"),
    })),
  );
}

/** As Kubernetes has it: a prefix matches whole elements of a path. */
function leadsTo({ path, exact }: EntryPath, asked: string): boolean {
  return asked === path || (!exact && asked.startsWith(path.endsWith("/") ? path : `${path}/`));
}

function opensTooMuch(ingress: Json): readonly string[] {
  return pathsOf(ingress).flatMap((entry) =>
    INTERNAL.filter((internal) => leadsTo(entry, internal)).map(
      (internal) => `${titleOf(ingress)} leads from ${entry.host}${entry.path} to ${internal}`,
    ),
  );
}

/** Addresses that whoever watches the sites asks, as the configuration has them. */
function watched(cluster: Cluster): readonly URL[] {
  const configuration = cluster
    .all("ConfigMap", "cloudphoenix")
    .map((map) => text(map, "data", "cloudphoenix.yaml"))
    .join("\n");
  const urls = configuration.matchAll(/url: "(https:[^"]+)"/g);
  // Convergence is proven by asking the application itself who serves.
  return [...urls]
    .map(([, url = ""]) => new URL(url))
    .map((url) => (url.pathname === "/" ? new URL("/cloud-status", url) : url));
}

function closesTooMuch(ingress: Json, cluster: Cluster): readonly string[] {
  const entries = pathsOf(ingress);
  return watched(cluster)
    .filter(({ host }) => entries.some((entry) => entry.host === host))
    .filter(
      ({ host, pathname }) =>
        !entries.some((entry) => entry.host === host && leadsTo(entry, pathname)),
    )
    .map(
      ({ href }) => `${titleOf(ingress)} does not let ${href} in, which the sites are watched by`,
    );
}

export const entryPolicies: readonly Policy[] = [
  { name: "visitor-addresses", check: (cluster) => entered(cluster).flatMap(knowsVisitors) },
  {
    name: "public-paths",
    check: (cluster) =>
      cluster
        .all("Ingress")
        .flatMap((ingress) => [...opensTooMuch(ingress), ...closesTooMuch(ingress, cluster)]),
  },
];
