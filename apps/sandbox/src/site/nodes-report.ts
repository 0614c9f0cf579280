/**
 * The nodes of a site as its platform reports them. A node whose pods have all ended is as good as
 * down; one that lost some of them still works, but not well.
 */
import type { Status } from "@cloudphoenix/core";
import type { NodeReport } from "./workload.ts";

/** Over all workloads; tells of every node if all are well, else of those that are not. */
export function nodesReport(workloads: readonly { nodes(): readonly NodeReport[] }[]): {
  readonly status: Status;
  readonly detail: string;
} {
  const reports = workloads.flatMap((workload) => workload.nodes());
  const nodes = [...Map.groupBy(reports, ({ name }) => name).values()].map(nodeState);
  const bad = nodes.filter(({ status }) => status !== "healthy");
  const told = (bad.length === 0 ? nodes : bad).map(({ detail }) => detail);
  return { status: overall(nodes.map(({ status }) => status)), detail: told.join("; ") };
}

interface NodeState {
  readonly status: Status;
  readonly detail: string;
}

function nodeState(reports: readonly NodeReport[]): NodeState {
  const name = reports[0]?.name ?? "";
  if (reports.some(({ up }) => !up)) return { status: "unhealthy", detail: `${name} is down` };
  const crashed = reports.flatMap((report) => report.crashed);
  if (crashed.length === 0) return { status: "healthy", detail: `${name} is up` };
  const pods = reports.reduce((sum, report) => sum + report.pods, 0);
  const detail = `${name}: ${crashed.join(", ")} crashed`;
  return { status: crashed.length === pods ? "unhealthy" : "degraded", detail };
}

/** A site has lost its nodes when it has lost all of them. */
function overall(nodes: readonly Status[]): Status {
  if (nodes.every((status) => status === "healthy")) return "healthy";
  return nodes.every((status) => status === "unhealthy") ? "unhealthy" : "degraded";
}
