import { expect, test } from "vitest";
import { nodesReport } from "../src/site/nodes-report.ts";
import type { NodeReport } from "../src/site/workload.ts";

// Two nodes; `orders` has a pod on each, `fulfilment` one on the first.
function site(change: {
  readonly orders?: readonly Partial<NodeReport>[];
  readonly fulfilment?: readonly Partial<NodeReport>[];
}): Parameters<typeof nodesReport>[0] {
  const orders = [node("a", 1), node("b", 1)].map((one, n) => ({ ...one, ...change.orders?.[n] }));
  const fulfilment = [node("a", 1), node("b", 0)].map((one, n) => ({
    ...one,
    ...change.fulfilment?.[n],
  }));
  return [{ nodes: () => orders }, { nodes: () => fulfilment }];
}

const CRASHED = { crashed: ["orders-0"] };

test.each([
  ["everything runs", site({}), "healthy", "a is up; b is up"],
  [
    "one of two pods of a node crashed",
    site({ orders: [CRASHED] }),
    "degraded",
    "a: orders-0 crashed",
  ],
  [
    "a pod on each node crashed, and one still runs",
    site({ orders: [CRASHED, { crashed: ["orders-1"] }] }),
    "degraded",
    "a: orders-0 crashed; b: orders-1 crashed",
  ],
  [
    "every pod crashed",
    site({
      orders: [CRASHED, { crashed: ["orders-1"] }],
      fulfilment: [{ crashed: ["fulfilment-0"] }],
    }),
    "unhealthy",
    "a: orders-0, fulfilment-0 crashed; b: orders-1 crashed",
  ],
  [
    "one node is down",
    site({ orders: [{ up: false }], fulfilment: [{ up: false }] }),
    "degraded",
    "a is down",
  ],
])("when %s", (_, workloads, status, detail) => {
  expect(nodesReport(workloads)).toEqual({ status, detail });
});

function node(name: string, pods: number): NodeReport {
  return { name, up: true, pods, crashed: [] };
}
