// What Prometheus is told of the receipts, with answers of the database made up here.
import { Registry } from "@prometheus-io/client";
import { expect, test } from "vitest";
import { exposeReceipts } from "../src/receipts/observe-receipts.ts";
import type { ReceiptState } from "../src/receipts/receipt-state.ts";

test("what the database says of receipts is exported; once it says nothing they are unknown, which is not none", async () => {
  const registry = new Registry();
  let state: ReceiptState | null = { waiting: 7, oldestWaitingSeconds: 1.5, setAside: 2 };
  exposeReceipts({ registry }, { state: async () => state });

  expect(await valuesOf(registry)).toEqual({
    orders_receipts_waiting: 7,
    orders_receipts_oldest_waiting_seconds: 1.5,
    orders_receipts_set_aside: 2,
  });
  state = null;
  expect(await valuesOf(registry)).toEqual({
    orders_receipts_waiting: Number.NaN,
    orders_receipts_oldest_waiting_seconds: Number.NaN,
    orders_receipts_set_aside: Number.NaN,
  });
});

async function valuesOf(registry: Registry): Promise<Readonly<Record<string, number>>> {
  const metrics = await registry.getMetricsAsJSON();
  return Object.fromEntries(
    metrics.map(({ name, values }) => [name, values[0]?.value ?? Number.POSITIVE_INFINITY]),
  );
}
