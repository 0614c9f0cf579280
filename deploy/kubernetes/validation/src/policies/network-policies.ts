/** Who may talk to whom: nothing by default, and exactly what is written for each workload. */
import type { Cluster, Workload } from "../cluster.ts";
import { at, type Json, list, nameOf, number, picks, record, text, titleOf } from "../document.ts";
import type { Policy } from "./policy.ts";

const directions = [
  ["Ingress", "ingress"],
  ["Egress", "egress"],
] as const;

const isForAll = (policy: Json): boolean =>
  Object.keys(record(at(policy, "spec", "podSelector"))).length === 0;

function denied(namespace: Json, cluster: Cluster): readonly string[] {
  const policies = cluster.all("NetworkPolicy", nameOf(namespace)).filter(isForAll);
  const closed = policies.some((policy) =>
    directions.every(
      ([type, key]) =>
        list(at(policy, "spec", "policyTypes")).includes(type) &&
        at(policy, "spec", key) === undefined,
    ),
  );
  return closed ? [] : [`${titleOf(namespace)} does not deny what nobody allowed`];
}

/** Policies of their own, without those for everybody in the namespace. */
function ownPolicies(workload: Workload, cluster: Cluster): readonly Json[] {
  return cluster
    .selecting("NetworkPolicy", workload, "spec", "podSelector", "matchLabels")
    .filter((policy) => !isForAll(policy));
}

function resolves(workload: Workload, cluster: Cluster): boolean {
  const all = cluster.selecting("NetworkPolicy", workload, "spec", "podSelector", "matchLabels");
  const rules = all.flatMap((policy) => list(at(policy, "spec", "egress")));
  return rules.some((rule) => {
    const toDns = list(at(rule, "to")).some(
      (peer) => text(peer, "podSelector", "matchLabels", "k8s-app") === "kube-dns",
    );
    const protocols = list(at(rule, "ports"))
      .filter((port) => number(port, "port") === 53)
      .map((port) => text(port, "protocol"));
    return toDns && protocols.includes("UDP") && protocols.includes("TCP");
  });
}

function portsOf({ containers }: Workload): readonly number[] {
  return containers
    .flatMap((container) => list(at(container, "ports")))
    .map((port) => number(port, "containerPort"));
}

function rulesAreExact(policy: Json): readonly string[] {
  return directions.flatMap(([, key]) =>
    list(at(policy, "spec", key)).flatMap((rule) => {
      const peers = list(at(rule, key === "ingress" ? "from" : "to"));
      const open = peers.length === 0 || list(at(rule, "ports")).length === 0;
      return open ? [`${titleOf(policy)} opens ${key} to everybody or on every port`] : [];
    }),
  );
}

/** Connections to pods of ours that one side allows and the other does not. */
function oneSided(workload: Workload, cluster: Cluster): readonly string[] {
  const ours = new Set(cluster.workloads.map(({ namespace }) => namespace));
  const wanted = peersOf(workload, "egress", cluster).filter(({ namespace }) =>
    ours.has(namespace),
  );
  return wanted.flatMap(({ namespace, selector }) => {
    const [target] = cluster.workloads.filter(
      (each) => each.namespace === namespace && picks(selector, each.labels),
    );
    if (target === undefined) return [`${workload.title} may speak to pods that nobody runs`];
    const lets = peersOf(target, "ingress", cluster).some(
      (peer) => peer.namespace === workload.namespace && picks(peer.selector, workload.labels),
    );
    return lets ? [] : [`${target.title} does not let ${workload.title} in, which speaks to it`];
  });
}

/** The pods a workload's own policies name, each with the namespace they are in. */
function peersOf(
  workload: Workload,
  direction: "egress" | "ingress",
  cluster: Cluster,
): readonly { readonly namespace: string; readonly selector: Json }[] {
  return ownPolicies(workload, cluster)
    .flatMap((policy) => list(at(policy, "spec", direction)))
    .flatMap((rule) => list(at(rule, direction === "egress" ? "to" : "from")))
    .flatMap((peer) => {
      const selector = at(peer, "podSelector", "matchLabels");
      const elsewhere = at(peer, "namespaceSelector", "matchLabels");
      const namespace =
        at(peer, "namespaceSelector") === undefined
          ? workload.namespace
          : text(elsewhere, "kubernetes.io/metadata.name");
      return selector === undefined ? [] : [{ namespace, selector }];
    });
}

/** Where nodes of every cloud hand out their own credentials. */
const METADATA = "169.254.0.0/16";

function reachesMetadata(policy: Json): readonly string[] {
  const blocks = list(at(policy, "spec", "egress"))
    .flatMap((rule) => list(at(rule, "to")))
    .map((peer) => at(peer, "ipBlock"))
    .filter((block) => /^(?:0\.0\.0\.0\/|::\/|169\.254\.)/.test(text(block, "cidr")));
  return blocks.every((block) => list(at(block, "except")).includes(METADATA))
    ? []
    : [`${titleOf(policy)} lets pods ask the metadata service for the rights of their node`];
}

const perWorkload = (
  name: string,
  wrong: (workload: Workload, cluster: Cluster) => readonly string[],
): Policy => ({
  name,
  check: (cluster) => cluster.workloads.flatMap((workload) => wrong(workload, cluster)),
});

export const networkPolicies: readonly Policy[] = [
  {
    name: "default-deny",
    check: (cluster) => cluster.all("Namespace").flatMap((namespace) => denied(namespace, cluster)),
  },
  perWorkload("workload-network", (workload, cluster) =>
    directions.flatMap(([type]) =>
      ownPolicies(workload, cluster).some((policy) =>
        list(at(policy, "spec", "policyTypes")).includes(type),
      )
        ? []
        : [`${workload.title} has no policy of its own for ${type}`],
    ),
  ),
  perWorkload("dns", (workload, cluster) =>
    resolves(workload, cluster) ? [] : [`${workload.title} cannot resolve names`],
  ),
  {
    name: "exact-rules",
    check: (cluster) => cluster.all("NetworkPolicy").flatMap(rulesAreExact),
  },
  {
    name: "metadata-service",
    check: (cluster) => cluster.all("NetworkPolicy").flatMap(reachesMetadata),
  },
  perWorkload("policy-ports", (workload, cluster) => {
    const ports = portsOf(workload);
    return ownPolicies(workload, cluster).flatMap((policy) =>
      list(at(policy, "spec", "ingress"))
        .flatMap((rule) => list(at(rule, "ports")))
        .map((port) => number(port, "port"))
        .filter((port) => !ports.includes(port))
        .map((port) => `${titleOf(policy)} opens port ${port}, which nothing listens on`),
    );
  }),
  perWorkload("both-ends", oneSided),
  {
    name: "policy-selectors",
    check: (cluster) =>
      cluster.all("NetworkPolicy").flatMap((policy) => {
        const selector = at(policy, "spec", "podSelector", "matchLabels");
        const namespace = text(policy, "metadata", "namespace");
        const found = cluster.workloads.some(
          (workload) => workload.namespace === namespace && picks(selector, workload.labels),
        );
        return found ? [] : [`${titleOf(policy)} picks no pod`];
      }),
  },
];
