// What Prometheus is told of the queue, with answers of the database made up here.
import { Registry } from "@prometheus-io/client";
import { expect, test } from "vitest";
import { exposeQueue } from "../src/observe-worker.ts";
import type { QueueState } from "../src/queue-state.ts";

test("what the database says of the queue is exported; once it says nothing orders are unknown, which is not none", async () => {
  const registry = new Registry();
  let state: QueueState | null = { waiting: 7, oldestDueSeconds: 1.5, setAside: 2 };
  exposeQueue({ registry }, { state: async () => state });

  expect(await valuesOf(registry)).toEqual({
    fulfilment_orders_waiting: 7,
    fulfilment_oldest_due_seconds: 1.5,
    fulfilment_orders_set_aside: 2,
  });
  state = null;
  expect(await valuesOf(registry)).toEqual({
    fulfilment_orders_waiting: Number.NaN,
    fulfilment_oldest_due_seconds: Number.NaN,
    fulfilment_orders_set_aside: Number.NaN,
  });
});

async function valuesOf(registry: Registry): Promise<Readonly<Record<string, number>>> {
  const metrics = await registry.getMetricsAsJSON();
  return Object.fromEntries(
    metrics.map(({ name, values }) => [name, values[0]?.value ?? Number.POSITIVE_INFINITY]),
  );
}
