import { describe, expect, test } from "vitest";
import { type DemoFacts, demoReport } from "../src/demo/demo-report.ts";

const KEPT = {
  fault: "region-loss",
  from: "aws-us-east-1",
  to: "azure-westeurope",
  durability: "async",
  linkDelayMs: 20,
  writesPerSecond: 200,
  rtoObjectiveMs: 10_000,
  run: { id: "dr-1", status: "completed", fence: "network" },
  phases: { detect: 1, decide: 1, fence: 1, recover: 1, switch: 1, converge: 1, total: 6 },
  errorWindow: {
    faultAtMs: 1_000,
    convergedAtMs: 5_500,
    ttlMs: 1_000,
    catchUpMs: 2_000,
    attemptTimeoutMs: 1_000,
  },
  client: {
    acknowledged: 100,
    failedAttempts: 30,
    failedFirstAtMs: 1_100,
    failedLastAtMs: 4_900,
    failures: { timeout: 20, "http-503 READ_ONLY": 10 },
    givenUp: 0,
    lastOnOldSiteAtMs: 1_000,
    firstOnNewSiteAtMs: 5_000,
    readBack: {
      checked: 100,
      errors: 0,
      failures: {},
      missing: [{ key: "k-7", orderId: "7" }],
      missingTotal: 1,
    },
  },
  orders: {
    orders: 101,
    fulfilled: 101,
    waiting: 0,
    setAside: 0,
    doubledTotal: 0,
    complete: true,
  },
  objects: {
    acknowledged: 100,
    present: 100,
    missing: [],
    late: 3,
    reported: {
      needPerson: 0,
      boundMs: 900,
      copied: 0,
      left: null,
      referenced: 100,
      allRows: true,
      detail: null,
      missing: 3,
      missingKeys: ["receipts/5.json", "receipts/6.json", "receipts/7.json"],
    },
  },
  loss: {
    transactions: 2,
    rowsByTable: { "public.orders": 2 },
    keysByTable: { "public.orders": ["7", "8"], "public.fulfilments": ["6", "7"] },
    truncated: false,
    rpoMs: 18,
  },
  parts: [],
} satisfies DemoFacts;

describe("the report of the main job", () => {
  test("is good when every promise held, and names what was lost", () => {
    const report = demoReport(KEPT);

    expect(report.ok).toBe(true);
    expect(report).toMatchObject({ writes_lost: 1, writes_lost_keys: ["k-7"], rpo_ms: 18 });
  });

  test("counts objects beside orders, and those that came late", () => {
    expect(demoReport(KEPT)).toMatchObject({
      objects_acknowledged: 100,
      objects_present: 100,
      objects_missing: 0,
      objects_late: 3,
      objects_rpo_ms: 900,
    });
    expect(demoReport({ ...KEPT, objects: null })).toMatchObject({
      ok: true,
      objects_acknowledged: null,
    });
  });

  test.each<[string, Partial<DemoFacts>]>([
    ["the run did not complete", { run: { ...KEPT.run, status: "needs-attention" } }],
    ["it took too long", { phases: { ...phases(), total: 10_001 } }],
    ["no write was acknowledged any more", { phases: null }],
    ["not every write was read back", { client: readBack({ checked: 99 }) }],
    ["a read failed", { client: readBack({ errors: 1 }) }],
    ["nothing was written at all", { client: { ...readBack({ checked: 0 }), acknowledged: 0 } }],
    [
      "a client saw an error before the fault",
      { client: { ...KEPT.client, failedFirstAtMs: 999 } },
    ],
    [
      "a client saw an error after the window",
      { client: { ...KEPT.client, failedLastAtMs: 9_501 } },
    ],
    ["nobody saw traffic converge", { errorWindow: { ...KEPT.errorWindow, convergedAtMs: null } }],
    ["a client gave a write up", { client: { ...KEPT.client, givenUp: 1 } }],
    ["not every lost write is named", { client: readBack({ missingTotal: 2 }) }],
    [
      "the log lost more than attempts of clients failed",
      { client: { ...KEPT.client, failedAttempts: 0 } },
    ],
    ["a loss in barrier mode", { durability: "barrier" }],
    ["a loss in sync mode", { durability: "sync" }],
    ["the old primary could not be read", { loss: null }],
    ["the log misses a write the client lost", { loss: { ...loss(), keysByTable: {} } }],
    ["the log was cut short", { loss: { ...loss(), truncated: true } }],
    ["both sites accepted writes", { client: { ...KEPT.client, firstOnNewSiteAtMs: 999 } }],
    ["an order was never fulfilled", { orders: { ...KEPT.orders, fulfilled: 100, waiting: 1 } }],
    ["an order was set aside", { orders: { ...KEPT.orders, fulfilled: 100, setAside: 1 } }],
    ["a retry made a second order", { orders: { ...KEPT.orders, doubledTotal: 1 } }],
    [
      "a receipt is not at the new site",
      { objects: { ...KEPT.objects, present: 99, missing: ["receipts/7.json"] } },
    ],
    ["the run did not settle the objects", { objects: { ...KEPT.objects, reported: null } }],
    ["no object was ever acknowledged", { objects: { ...KEPT.objects, acknowledged: 0 } }],
    ["the orders could not all be listed", { orders: { ...KEPT.orders, complete: false } }],
    ["only one site was ever heard of", { client: { ...KEPT.client, lastOnOldSiteAtMs: null } }],
  ])("is not good when %s", (_, change) => {
    expect(demoReport({ ...KEPT, ...change }).ok).toBe(false);
  });

  test("says when the first and the last error came, and when they had to be over", () => {
    const [errors] = demoReport(KEPT).promises.filter(({ promise }) => promise.includes("errors"));

    expect(errors?.detail).toBe(
      "30 failed attempts (20 × timeout, 10 × http-503 READ_ONLY), the first 100 ms and the last 3900 ms after the fault; the window ends after 8500 ms: convergence, TTL, catching up, one attempt",
    );
  });

  test("is good when the last attempt that began in time failed as late as it could", () => {
    const client = { ...KEPT.client, failedLastAtMs: 9_500 };
    expect(demoReport({ ...KEPT, client }).ok).toBe(true);
  });

  test("counts what the log lost but nobody was promised apart", () => {
    const [agrees] = demoReport(KEPT).promises.filter(({ promise }) => promise.includes("log"));

    expect(agrees?.detail).toBe("log: 2 orders lost, 1 of them acknowledged; client: 1 lost");
  });
});

test("work done at the old site again counts only if its order is there", () => {
  expect(demoReport(KEPT).fulfilments_repeated).toBe(1);
  expect(demoReport({ ...KEPT, loss: null }).fulfilments_repeated).toBeNull();
});

function phases(): NonNullable<DemoFacts["phases"]> {
  return KEPT.phases ?? unset();
}

function loss(): NonNullable<DemoFacts["loss"]> {
  return KEPT.loss ?? unset();
}

function unset(): never {
  throw new Error("the good case lacks it");
}

function readBack(change: Partial<DemoFacts["client"]["readBack"]>): DemoFacts["client"] {
  return { ...KEPT.client, readBack: { ...KEPT.client.readBack, ...change } };
}
