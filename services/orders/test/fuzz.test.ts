// "10,000 fuzzed requests (wrong types, huge bodies, bad encodings, header bombs, path tricks): no 5xx
// that is our fault, no crash, no leak of internals, memory flat", on the real service with a real
// database and object store. FUZZ_SEED repeats a run.
import { afterAll, beforeAll, expect, test } from "vitest";
import { besiege } from "../../../packages/chassis/test/hostile-requests.ts";
import { startS3 } from "../../../packages/chassis/test/storage-world.ts";
import { ask, DRAFT, eventually, place, type serve } from "./orders-world.ts";
import { openReceiptsWorld, type ReceiptsWorld } from "./receipts-world.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? 20_261_128);
const REQUESTS = 10_000;

let world: ReceiptsWorld;
let service: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  world = await openReceiptsWorld(startS3);
  // Patient with a busy machine: what is looked for here is no lack of time.
  service = await world.start({
    STORAGE_TIMEOUT_MS: "10000",
    DATABASE_STATEMENT_TIMEOUT_MS: "10000",
  });
});

afterAll(() => world.close());

test(`${REQUESTS} hostile requests (seed ${SEED}) do no harm`, async () => {
  const { statuses, faults, heapGrowthBytes } = await besiege({
    port: service.port,
    requests: REQUESTS,
    seed: SEED,
    honest: (id) => [
      { method: "POST", target: "/orders", content: JSON.stringify({ ...DRAFT, note: `n ${id}` }) },
      { method: "GET", target: `/orders/${id}`, content: "" },
      { method: "GET", target: `/orders/${id}/receipt`, content: "" },
      { method: "GET", target: `/orders?key=k${id}`, content: "" },
      { method: "GET", target: `/orders?limit=${id}`, content: "" },
      { method: "POST", target: `/orders/${id}/cancel`, content: "" },
      { method: "GET", target: "/receipts/set-aside", content: "" },
      { method: "GET", target: "/cloud-status", content: "" },
    ],
    base: "/orders",
    field: "customer",
    inside: /node:internal|at .*\.ts:|postgres|select |insert |ECONN|public\.|127\.0\.0\.1/i,
  });

  expect(faults).toEqual([]);
  expect(heapGrowthBytes).toBeLessThan(10 * 1024 * 1024);
  // The generator must reach the handlers, not only the parser.
  for (const status of ["200", "201", "400", "404", "413", "415", "422", "431"]) {
    expect([status, (statuses.get(status) ?? 0) > 0]).toEqual([status, true]);
  }
  expect((await place(service.url, "honest")).status).toBe(201);
  await eventually(
    () => ask(`${service.url}/health`),
    ({ body }) => body["status"] === "healthy",
  );
  // Every order it took has its receipt, and nothing was set aside.
  const [counted] = await world.sql("select count(*)::int as orders from orders");
  const rows = await world.allStored(Number(counted?.["orders"]));
  expect(rows.filter((row) => row["reason"] !== null)).toEqual([]);
}, 240_000);
