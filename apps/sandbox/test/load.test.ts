import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LoadClient } from "../src/load/load-client.ts";
import { type LoadConfig, parseLoadConfig } from "../src/load/load-config.ts";
import type { LoadEvent, LoadCounts, ReadbackResult } from "../src/load/load-protocol.ts";
import { systemClock } from "../src/process/system-clock.ts";
import { Application, type Mood } from "./load-application.ts";

const directory = mkdtempSync(join(tmpdir(), "load-"));
const WAIT = { timeout: 20_000, interval: 10 };

let application: Application;
let client: LoadClient;
let events: LoadEvent[];
let address: string;

beforeEach(async () => {
  address = "127.0.0.1";
  application = await Application.open(address, 0);
});

afterEach(async () => {
  await client.close();
  await application.close();
  rmSync(join(directory, "ledger"), { force: true });
});

afterAll(() => rmSync(directory, { recursive: true }));

function load(settings: Partial<LoadConfig> = {}): LoadClient {
  events = [];
  const required = {
    run: "run",
    name: "shop.phoenix.test",
    port: application.port,
    dns: { host: "127.0.0.1", port: 53 },
    ledgerFile: join(directory, "ledger"),
  };
  client = new LoadClient({
    config: parseLoadConfig(JSON.stringify({ ...required, eventsEveryMs: 20, ...settings })),
    resolver: { resolve: async () => ({ address }) },
    clock: systemClock,
    random: { next: () => Math.random() },
    emit: (event) => events.push(event),
  });
  return client;
}

function counts(): LoadCounts {
  const last = events.findLast((event) => event.event === "counts");
  if (last === undefined) throw new Error("no counts yet");
  return last;
}

/** Writes until `enough` says so, then stops and waits until nothing is in flight. */
async function writeUntil(enough: () => boolean): Promise<LoadCounts> {
  client.start();
  await vi.waitFor(() => expect(enough()).toBe(true), WAIT);
  client.stop();
  await vi.waitFor(() => expect(events.at(-1)?.event).toBe("stopped"), WAIT);
  return counts();
}

async function written(atLeast: number): Promise<string[]> {
  // Attempts that a busy machine ends before they are answered are all made again.
  load({ ratePerSecond: 200, attemptTimeoutMs: 1_000 });
  await writeUntil(() => application.orders.size >= atLeast);
  return [...application.orders.keys()];
}

function ledger(): { key: string; orderId: string; attempts: number; site: string }[] {
  const lines = readFileSync(join(directory, "ledger"), "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

describe("writing", () => {
  test("begins writes at the rate, each with its own key, and records every acknowledgement", async () => {
    load({ ratePerSecond: 500, attemptTimeoutMs: 10_000 });
    const total = await writeUntil(() => application.orders.size >= 200);
    await client.close();

    expect(total).toMatchObject({
      failedAttempts: 0,
      failedFirstAtMs: null,
      failedLastAtMs: null,
      givenUp: 0,
      refused: 0,
      shed: 0,
      inFlight: 0,
    });
    expect(total.acknowledged).toBe(total.sent);
    expect(total.bySite).toEqual({ "site-a": total.sent });
    expect(total.latencyMs?.p99).toBeGreaterThan(0);
    expect([...application.attempts.values()].every((bodies) => bodies.length === 1)).toBe(true);
    expect(new Map(ledger().map((entry) => [entry.key, entry.orderId]))).toEqual(
      application.orders,
    );
  });

  test("repeats the same key and body until acknowledged, whatever goes wrong, and doubles nothing", async () => {
    const failures: Mood[] = ["kill", "unavailable", "hang", "commit-then-kill"];
    application.mood = (key) => {
      const tried = application.attempts.get(key)?.length ?? 1;
      const number = Number(key.split("-")[1]);
      return tried <= 2 ? (failures[(number + tried) % failures.length] ?? "ok") : "ok";
    };
    const beganAtMs = Date.now();
    load({ ratePerSecond: 100, attemptTimeoutMs: 200, retriesPerSecond: 10_000 });
    const total = await writeUntil(() => application.orders.size >= 60);

    expect(total).toMatchObject({ acknowledged: total.sent, givenUp: 0, refused: 0 });
    // On a busy machine good answers may come too late as well.
    expect(total.failedAttempts).toBeGreaterThanOrEqual(2 * total.sent);
    const { failedFirstAtMs, failedLastAtMs } = total;
    expect(failedFirstAtMs).toBeGreaterThanOrEqual(beganAtMs);
    expect(failedLastAtMs).toBeGreaterThan(failedFirstAtMs ?? Number.POSITIVE_INFINITY);
    expect(failedLastAtMs).toBeLessThanOrEqual(Date.now());
    expect(Object.keys(total.failures)).toEqual(
      expect.arrayContaining(["ECONNRESET", "http-503 READ_ONLY", "timeout"]),
    );
    expect(total.replayed).toBeGreaterThan(0);
    expect(application.orders.size).toBe(total.sent);
    for (const bodies of application.attempts.values()) {
      expect(bodies.length).toBeGreaterThanOrEqual(3);
      expect(new Set(bodies).size).toBe(1);
    }
  });

  test("gives a write up when its time is over", async () => {
    application.mood = () => "unavailable";
    load({ ratePerSecond: 50, giveUpAfterMs: 300 });
    const total = await writeUntil(() => application.attempts.size >= 10);

    expect(total).toMatchObject({
      acknowledged: 0,
      givenUp: total.sent,
      epochs: [],
      latencyMs: null,
    });
  });

  test("does not repeat what was refused as wrong", async () => {
    application.mood = () => "refuse";
    load({ ratePerSecond: 50 });
    const total = await writeUntil(() => application.attempts.size >= 5);

    expect(total).toMatchObject({
      refused: total.sent,
      failures: { "http-422 IDEMPOTENCY_MISMATCH": total.sent },
    });
    expect([...application.attempts.values()].every((bodies) => bodies.length === 1)).toBe(true);
  });

  test("takes an answer without an order for no acknowledgement", async () => {
    application.mood = (key) => (application.attempts.get(key)?.length === 1 ? "no-order" : "ok");
    load({ ratePerSecond: 50, attemptTimeoutMs: 10_000 });
    const total = await writeUntil(() => application.orders.size >= 5);

    expect(total).toMatchObject({ acknowledged: total.sent, failures: { "http-201": total.sent } });
  });

  test("sheds new writes while too many are in flight, and never has more", async () => {
    application.mood = () => "hang";
    load({ ratePerSecond: 500, inFlightMax: 20, giveUpAfterMs: 500, attemptTimeoutMs: 400 });
    client.start();
    await vi.waitFor(() => expect(counts().shed).toBeGreaterThan(50), WAIT);

    expect(counts().inFlight).toBe(20);
  });

  test("keeps its retries within the budget", async () => {
    application.mood = () => "unavailable";
    load({ ratePerSecond: 400, retriesPerSecond: 40, giveUpAfterMs: 10_000 });
    const startedMs = performance.now();
    client.start();
    await vi.waitFor(() => expect(application.attempts.size).toBeGreaterThan(300), WAIT);
    const tries = [...application.attempts.values()].map((bodies) => bodies.length);
    const seconds = (performance.now() - startedMs) / 1000;

    const retries = tries.reduce((sum, count) => sum + count - 1, 0);
    expect(retries).toBeGreaterThan(0);
    expect(retries).toBeLessThanOrEqual(40 * seconds + 4);
  });

  test("says that it has stopped however often it is asked, and starts again", async () => {
    load({ ratePerSecond: 200 });
    client.stop();
    expect(events).toMatchObject([{ event: "stopped" }]);
    await writeUntil(() => application.orders.size >= 5);
    const before = application.orders.size;
    client.stop();
    expect(events.slice(-2)).toMatchObject([{ event: "stopped" }, { event: "stopped" }]);
    await writeUntil(() => application.orders.size >= before + 5);
  });

  test("tells the first acknowledgement of every site and generation, and its first and last time", async () => {
    load({ ratePerSecond: 300 });
    client.start();
    await vi.waitFor(() => expect(counts().acknowledged).toBeGreaterThan(20), WAIT);
    application.site = "site-b";
    application.generation = 2;
    await writeUntil(() => (counts().bySite["site-b"] ?? 0) > 20);

    const firsts = events.filter((event) => event.event === "first-acknowledged");
    const { epochs } = counts();
    expect(epochs.map(({ site, generation }) => [site, generation])).toEqual([
      ["site-a", 1],
      ["site-b", 2],
    ]);
    expect(firsts.map((event) => event.atMs)).toEqual(epochs.map((epoch) => epoch.firstAckedAtMs));
    for (const epoch of epochs)
      expect(epoch.lastAckedAtMs).toBeGreaterThanOrEqual(epoch.firstAckedAtMs);
  });
});

describe("connections", () => {
  test("are few however many writes wait", async () => {
    application.mood = () => "hang";
    load({ ratePerSecond: 1000, connectionsMax: 8, attemptTimeoutMs: 300 });
    client.start();
    await vi.waitFor(() => expect(counts().failures["timeout"] ?? 0).toBeGreaterThan(100), WAIT);

    expect(application.connectionsMost).toBeLessThanOrEqual(8);
  });

  test("are used again, but not once they are old", async () => {
    // One connection that is never idle for long: only its age can be why it is replaced.
    load({ ratePerSecond: 100, connectionsMax: 1, connectionAgeMaxMs: 400 });
    await writeUntil(() => application.connectionsSeen >= 3);

    expect(application.orders.size).toBeGreaterThan(10 * application.connectionsSeen);
  });

  test("follow the name: idle ones to the old address are closed when the answer changes", async () => {
    const other = await Application.open("127.0.0.2", application.port);
    other.site = "site-b";
    try {
      load({ ratePerSecond: 200, connectionAgeMaxMs: 60_000 });
      client.start();
      await vi.waitFor(() => expect(application.orders.size).toBeGreaterThan(20), WAIT);
      expect(other.connectionsSeen).toBe(0);

      address = "127.0.0.2";
      await vi.waitFor(() => expect(other.orders.size).toBeGreaterThan(20), WAIT);
      await vi.waitFor(() => expect(application.sockets.size).toBe(0), WAIT);
      const left = application.orders.size;
      await vi.waitFor(() => expect(other.orders.size).toBeGreaterThan(50), WAIT);
      expect(application.orders.size).toBe(left);
      const moved = events.filter((event) => event.event === "moved");
      expect(moved.map((event) => event.address)).toEqual(["127.0.0.1", "127.0.0.2"]);
    } finally {
      await client.close();
      await other.close();
    }
  });
});

describe("reading back", () => {
  test("finds exactly the acknowledged writes that are gone or became another order", async () => {
    const keys = await written(100);
    const promised = new Map(application.orders);
    const lost = keys.filter((_, index) => index % 10 === 3);
    for (const key of lost.slice(1)) application.lose(key);
    application.orders.set(lost[0] ?? "", "another");

    const result = await client.readback({});

    expect(result).toMatchObject({
      checked: keys.length,
      missingTotal: lost.length,
      errors: 0,
      notChecked: 0,
    });
    expect(result.missing.map(({ key }) => key).toSorted()).toEqual(lost.toSorted());
    for (const { key, orderId, site } of result.missing) {
      expect([orderId, site]).toEqual([promised.get(key), "site-a"]);
    }
  });

  test("asks again after every failure and takes none of them for a loss", async () => {
    const keys = await written(40);
    const failures: Mood[] = ["kill", "unavailable", "hang", "foreign-404"];
    const reads = new Map<string, number>();
    application.mood = (key) => {
      const read = (reads.get(key) ?? 0) + 1;
      reads.set(key, read);
      return failures[read - 1] ?? "ok";
    };

    const result = await client.readback({ baseUrl: `http://127.0.0.1:${application.port}` });

    // On a busy machine any answer may come too late, and counts as a timeout then.
    expect(result).toEqual<ReadbackResult>({
      checked: keys.length,
      missing: [],
      missingTotal: 0,
      errors: 0,
      notChecked: 0,
      failures: {
        ECONNRESET: expect.any(Number),
        "http-503 READ_ONLY": expect.any(Number),
        "http-404": expect.any(Number),
        timeout: expect.any(Number),
      },
    });
    const failed = Object.values(result.failures).reduce((sum, count) => sum + count, 0);
    expect(failed).toBeGreaterThanOrEqual(failures.length * keys.length);
  });

  test("counts what it could not find out as an error, and what it had no time for as not checked", async () => {
    const keys = await written(100);
    application.mood = () => "foreign-404";

    const result = await client.readback({ timeoutMs: 300 });

    expect(result).toMatchObject({ checked: 0, missing: [] });
    expect(result.errors).toBeGreaterThan(0);
    expect(result.errors + result.notChecked).toBe(keys.length);
  });

  test("knows the newest writes once the ledger is full, and says how many it forgot", async () => {
    load({ ratePerSecond: 500, ledgerMax: 50 });
    const total = await writeUntil(() => application.orders.size >= 120);
    application.lose([...application.orders.keys()].at(-1) ?? "");

    const result = await client.readback({});
    await client.close();

    expect(result).toMatchObject({ checked: 50, missingTotal: 1, notChecked: total.sent - 50 });
    expect(ledger().length).toBeLessThanOrEqual(50);
    rmSync(join(directory, "ledger.1"));
  });
});

describe("the configuration", () => {
  const valid = { run: "r", name: "n", port: 1, dns: { host: "h", port: 1 }, ledgerFile: "f" };

  test("has defaults", () => {
    expect(parseLoadConfig(JSON.stringify(valid))).toMatchObject({
      ratePerSecond: 200,
      attemptTimeoutMs: 1000,
      giveUpAfterMs: 30_000,
      connectionAgeMaxMs: 5000,
      connectionsMax: 32,
      eventsEveryMs: 250,
      ledgerMax: 200_000,
    });
  });

  test.each([
    [{ ...valid, rate: 1 }, "rate is not a setting"],
    [{ ...valid, ratePerSecond: 0 }, "ratePerSecond must be a number above 0"],
    [{ ...valid, ratePerSecond: "200" }, "ratePerSecond must be a number above 0"],
    [{ ...valid, run: "" }, "run must be a text"],
    [{ ...valid, dns: undefined }, "dns must be an object"],
    [{ ...valid, dns: { host: "h" } }, "dns.port must be a number above 0"],
    [[], "one JSON object"],
  ])("is refused when wrong (%#)", (config, message) => {
    expect(() => parseLoadConfig(JSON.stringify(config))).toThrow(message);
  });
});

describe("the census", () => {
  test("counts orders by what became of them, over all pages, and those that exist twice", async () => {
    load();
    const strangers = [
      { note: null, status: "placed" },
      { note: "other-1", status: "placed" },
    ];
    application.listed = [
      ...listed("fulfilled", 150),
      ...strangers,
      ...listed("placed", 60, 150),
      ...listed("set_aside", 2, 210),
      ...listed("fulfilled", 3, 10),
    ];

    expect(await client.census()).toEqual({
      orders: 215,
      fulfilled: 153,
      waiting: 60,
      setAside: 2,
      doubled: ["run-10", "run-11", "run-12"],
      doubledTotal: 3,
      complete: true,
    });
  });

  test("asks for a page again after a failure", async () => {
    load({ attemptTimeoutMs: 200 });
    application.listed = listed("placed", 120);
    const failures: Mood[] = ["kill", "unavailable", "foreign-404"];
    application.mood = () => failures.pop() ?? "ok";

    expect(await client.census()).toMatchObject({ orders: 120, complete: true });
  });

  test("says so if it could not read every page", async () => {
    load({ attemptTimeoutMs: 200 });
    application.mood = () => "unavailable";

    expect(await client.census()).toMatchObject({ orders: 0, complete: false });
  }, 60_000);
});

/** Orders of the writes from number `first` on, as a list shows them. */
function listed(status: string, count: number, first = 0): { note: string; status: string }[] {
  return Array.from({ length: count }, (_, n) => ({ note: `run-${first + n}`, status }));
}
