/** What keeps workloads alive: probes, budgets, floors, quotas, time to stop. */
import type { Cluster, Workload } from "../cluster.ts";
import { at, type Json, list, number, picks, record, text, titleOf } from "../document.ts";
import { quantity } from "../quantity.ts";
import type { Policy } from "./policy.ts";

/**
 * How long each process takes to stop at most: `STOP_LIMIT_MS` of packages/process. A test compares
 * them with the source. Services say it in their environment.
 */
export const STOP_MS: Readonly<Record<string, number>> = {
  controller: 10_000,
  agent: 10_000,
  worker: 10_000,
};

const perWorkload = (
  name: string,
  wrong: (workload: Workload, cluster: Cluster) => string | null,
): Policy => ({
  name,
  check: (cluster) =>
    cluster.workloads.flatMap((workload) => {
      const sentence = wrong(workload, cluster);
      return sentence === null ? [] : [`${workload.title} ${sentence}`];
    }),
});

/** Pods that run at least. */
function floorOf(workload: Workload, cluster: Cluster): number {
  const scaler = cluster.autoscalerOf(workload);
  return scaler === undefined
    ? number(workload.document, "spec", "replicas")
    : number(scaler, "spec", "minReplicas");
}

function largestOf(workload: Workload, cluster: Cluster): number {
  const scaler = cluster.autoscalerOf(workload);
  const pods =
    scaler === undefined
      ? number(workload.document, "spec", "replicas")
      : number(scaler, "spec", "maxReplicas");
  const surge = number(workload.document, "spec", "strategy", "rollingUpdate", "maxSurge");
  return pods + (Number.isNaN(surge) ? 0 : surge);
}

function budget(workload: Workload, cluster: Cluster): string | null {
  const [found, ...more] = cluster.selecting(
    "PodDisruptionBudget",
    workload,
    "spec",
    "selector",
    "matchLabels",
  );
  if (found === undefined) return "has no disruption budget";
  if (more.length > 0) return "has two disruption budgets, which stops every eviction";
  const floor = floorOf(workload, cluster);
  const kept = number(found, "spec", "minAvailable");
  const lost = number(found, "spec", "maxUnavailable");
  if (!Number.isNaN(kept) && kept < floor && kept > 0) return null;
  if (Number.isNaN(kept) && lost >= 1 && (floor === 1 || lost < floor)) return null;
  return `runs ${floor} pods at least, and its budget keeps all of them or none`;
}

function probes({ containers }: Workload): string | null {
  const missing = containers.flatMap((container) =>
    ["startupProbe", "readinessProbe", "livenessProbe"].filter(
      (probe) => text(container, probe, "httpGet", "path") === "",
    ),
  );
  return missing.length === 0 ? null : `has no ${missing.join(", ")}`;
}

function stopMs({ name, containers }: Workload): number {
  const [container] = containers;
  const variable = list(at(container, "env")).find(
    (entry) => text(entry, "name") === "SHUTDOWN_DEADLINE_MS",
  );
  return variable === undefined ? (STOP_MS[name] ?? Number.NaN) : Number(text(variable, "value"));
}

function graceful(workload: Workload): string | null {
  const [container] = workload.containers;
  const sleep = number(container, "lifecycle", "preStop", "sleep", "seconds");
  const needed = (Number.isNaN(sleep) ? 0 : sleep) + stopMs(workload) / 1000;
  const given = number(workload.pod, "terminationGracePeriodSeconds");
  return given > needed ? null : `needs ${needed} s to stop and is killed after ${given} s`;
}

function autoscaling(scaler: Json, cluster: Cluster): readonly string[] {
  const target = cluster.workloads.find((workload) => cluster.autoscalerOf(workload) === scaler);
  if (target === undefined) return [`${titleOf(scaler)} scales nothing that exists`];
  const found: string[] = [];
  if (at(target.document, "spec", "replicas") !== undefined) {
    found.push(`${target.title} fixes its replicas, which undoes its autoscaler at every apply`);
  }
  const metrics = list(at(scaler, "spec", "metrics")).map((m) => text(m, "resource", "name"));
  for (const metric of ["cpu", "memory"]) {
    if (!metrics.includes(metric)) found.push(`${titleOf(scaler)} does not look at ${metric}`);
  }
  for (const way of ["scaleUp", "scaleDown"]) {
    const rules = at(scaler, "spec", "behavior", way);
    const complete =
      list(at(rules, "policies")).length > 0 &&
      !Number.isNaN(number(rules, "stabilizationWindowSeconds"));
    if (!complete) found.push(`${titleOf(scaler)} has no policies and window for ${way}`);
  }
  if (number(scaler, "spec", "minReplicas") < 2) found.push(`${titleOf(scaler)} may leave one pod`);
  return found;
}

const QUOTAS = ["requests", "limits"].flatMap((part) =>
  ["cpu", "memory"].map((unit) => [part, unit] as const),
);

/** Room for every workload of the namespace at its largest, one pod of a rollout included. */
function quotas(quota: Json, cluster: Cluster): readonly string[] {
  const hard = record(at(quota, "spec", "hard"));
  const inside = cluster.workloads.filter(
    ({ namespace }) => namespace === text(quota, "metadata", "namespace"),
  );
  const pods = inside.reduce((sum, workload) => sum + largestOf(workload, cluster), 0);
  const needs = new Map([["pods", pods]]);
  for (const [part, unit] of QUOTAS) {
    const total = inside.reduce((sum, workload) => {
      const pod = workload.everyContainer.reduce<number>(
        (inPod, container) => inPod + quantity(text(container, "resources", part, unit)),
        0,
      );
      return sum + pod * largestOf(workload, cluster);
    }, 0);
    needs.set(`${part}.${unit}`, total);
  }
  return [...needs].flatMap(([key, need]) => {
    const room = quantity(text(hard, key));
    return room >= need ? [] : [`${titleOf(quota)} has too little ${key}: ${need} are needed`];
  });
}

/** Kubernetes refuses pods with containers outside of the range of their namespace. */
function outOfRange({ title, namespace, everyContainer }: Workload, cluster: Cluster): string[] {
  const ranges = cluster
    .all("LimitRange", namespace)
    .flatMap((range) => list(at(range, "spec", "limits")));
  return ranges.flatMap((range) =>
    everyContainer.flatMap((container) =>
      ["cpu", "memory"]
        .filter((unit) => {
          const asked = quantity(text(container, "resources", "requests", unit));
          const most = quantity(text(container, "resources", "limits", unit));
          const fits =
            asked >= quantity(text(range, "min", unit)) &&
            asked <= most &&
            most <= quantity(text(range, "max", unit));
          return !fits;
        })
        .map(
          (unit) => `${title}, container ${text(container, "name")}, is out of range in ${unit}`,
        ),
    ),
  );
}

export const availabilityPolicies: readonly Policy[] = [
  perWorkload("disruption-budget", budget),
  perWorkload("probes", probes),
  perWorkload("time-to-stop", graceful),
  perWorkload("priority", ({ pod }, cluster) =>
    cluster.find("PriorityClass", "", text(pod, "priorityClassName")) === undefined
      ? "has no priority class that exists"
      : null,
  ),
  perWorkload("spread", (workload, cluster) => {
    if (floorOf(workload, cluster) === 1) return null;
    const spread = list(at(workload.pod, "topologySpreadConstraints"));
    const own = spread.filter((rule) =>
      picks(at(rule, "labelSelector", "matchLabels"), workload.labels),
    );
    const keys = own.map((rule) => text(rule, "topologyKey"));
    const wanted = ["topology.kubernetes.io/zone", "kubernetes.io/hostname"];
    return wanted.every((key) => keys.includes(key))
      ? null
      : "may stand in one zone or on one node";
  }),
  { name: "limit-range", check: (c) => c.workloads.flatMap((w) => outOfRange(w, c)) },
  {
    name: "autoscaling",
    check: (cluster) =>
      cluster.all("HorizontalPodAutoscaler").flatMap((scaler) => autoscaling(scaler, cluster)),
  },
  {
    name: "quota",
    check: (cluster) =>
      cluster.all("Namespace").flatMap((namespace) => {
        const name = text(namespace, "metadata", "name");
        const found = cluster.all("ResourceQuota", name);
        const ranges = cluster.all("LimitRange", name);
        if (found.length === 0 || ranges.length === 0)
          return [`${name} has no quota or limit range`];
        return found.flatMap((quota) => quotas(quota, cluster));
      }),
  },
];
