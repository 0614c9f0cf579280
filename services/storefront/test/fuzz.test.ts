// The same siege as that of the orders service, shorter: pages, forms and parts. FUZZ_SEED repeats a run.
import { startService, type RunningService } from "@cloudphoenix/chassis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { besiege } from "../../../packages/chassis/test/hostile-requests.ts";
import { assembleStorefront } from "../src/service.ts";
import { storefrontSettings } from "../src/settings.ts";
import { PretendedOrders } from "./pretended-orders.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? 20_261_129);
const REQUESTS = 1_000;
const FORM = { "Content-Type": "application/x-www-form-urlencoded" };

let orders: PretendedOrders;
let service: RunningService;

beforeAll(async () => {
  orders = await PretendedOrders.open();
  const environment = {
    ORDERS_URL: orders.url,
    PORT: "0",
    LOG_LEVEL: "silent",
    SHUTDOWN_DELAY_MS: "0",
    RATE_LIMIT_PER_MINUTE: "0",
  };
  service = await startService(
    await assembleStorefront(storefrontSettings(environment), environment),
  );
});

afterAll(async () => {
  await service.drain();
  await orders.close();
});

test(`${REQUESTS} hostile requests (seed ${SEED}) do no harm`, async () => {
  const { statuses, faults, heapGrowthBytes } = await besiege({
    port: service.port,
    requests: REQUESTS,
    seed: SEED,
    honest: (id) => [
      { method: "GET", target: "/", content: "" },
      { method: "GET", target: `/orders/${id}`, content: "" },
      { method: "GET", target: `/orders/${id}/receipt`, content: "" },
      { method: "GET", target: `/orders/${id}/receipt.json`, content: "" },
      { method: "GET", target: `/orders/${id}/state`, content: "" },
      {
        method: "POST",
        target: "/orders",
        content: `customer=Ada&sku=lantern-01&quantity=${id % 99}&note=&key=${"a".repeat(36)}`,
        headers: FORM,
      },
      { method: "POST", target: `/orders/${id}/cancel`, content: "", headers: FORM },
    ],
    base: "/orders",
    field: "customer",
    inside: /node:internal|at .*\.ts:|ECONN|127\.0\.0\.1/i,
  });

  expect(faults).toEqual([]);
  expect(heapGrowthBytes).toBeLessThan(10 * 1024 * 1024);
  for (const status of ["200", "303", "404", "413", "415", "422"]) {
    expect([status, (statuses.get(status) ?? 0) > 0]).toEqual([status, true]);
  }
}, 120_000);
