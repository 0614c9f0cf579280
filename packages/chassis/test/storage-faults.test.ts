// "Dependency killed, slowed (5 s), refused, restarted: answers stay within deadline, no unhandled
// rejection, recovers by itself", with real object stores behind a way that is disturbed. Unhandled
// rejections fail the run by themselves. Without its limits a call would be answered late, or never.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type CallOutcome, type GuardedStorage, Health, storageCheck } from "../src/index.ts";
import { eventually } from "./chassis-world.ts";
import { startS3, storageOn, type Store, STORES, Way, type WayMode } from "./storage-world.ts";

const BODY = new TextEncoder().encode("{}");
const PUT = { body: BODY, contentType: "application/json", condition: "absent" } as const;
const IDENTITY = { site: "s", cloud: "c", region: "r", pod: "p" };
/** Limit of a call, far below the time by which a slow way delays every answer. */
const CALL_MS = 1_000;

describe.each(STORES)("%s", (_name, start) => {
  let store: Store;
  let way: Way;
  let storage: GuardedStorage;
  let outcomes: CallOutcome[];
  let keys = 0;

  beforeAll(async () => {
    store = await start();
  });
  afterAll(() => store.close());

  beforeEach(async () => {
    way = await Way.to(store.port);
    outcomes = [];
    storage = storageOn(store, {
      port: way.port,
      attemptTimeoutMs: 300,
      callTimeoutMs: CALL_MS,
      onCall: (outcome) => outcomes.push(outcome),
    });
    // Connected and warm before a test: on a busy machine the first try may take too long.
    await eventually(() => storage.put({ ...PUT, key: newKey() }).catch(() => null));
    outcomes.length = 0;
  });
  afterEach(async () => {
    await storage.close();
    await way.close();
  });

  function newKey(): string {
    return `faults/${(keys += 1)}.json`;
  }

  test.each<[WayMode, string]>([
    ["refused", "STORAGE_UNAVAILABLE"],
    ["silent", "STORAGE_TIMEOUT"],
    ["busy", "STORAGE_UNAVAILABLE"],
    ["slow", "STORAGE_TIMEOUT"],
    ["cut", "STORAGE_UNAVAILABLE"],
  ])(
    "a store that is %s costs the time of the call, and is used again when it is back",
    async (mode, code) => {
      const key = newKey();
      await way.set(mode);
      // Alone, a call has too few tries to open the circuit. Its deadline may be over before a try is.
      const [first] = await Promise.allSettled([storage.put({ ...PUT, key })]);
      const others = await Promise.allSettled([storage.get(key), storage.head(key)]);
      const failures = [first, ...others].map((use) =>
        use.status === "rejected" ? use.reason : null,
      );
      for (const failure of failures) {
        expect(failure).toMatchObject({ retryable: true, retryAfterMs: 1_000 });
      }
      expect([code, "DEADLINE_EXCEEDED"]).toContain(failures[0].code);
      // Once the circuit is open it says so.
      for (const failure of failures) {
        expect([code, "STORAGE_UNAVAILABLE", "DEADLINE_EXCEEDED"]).toContain(failure.code);
      }
      const health = new Health({
        identity: IDENTITY,
        watch: null,
        checks: [storageCheck(storage)],
      });
      const { status, dependencies } = await health.report();
      expect([status, dependencies[0]?.status]).toEqual(["degraded", "unhealthy"]);
      expect(["unreachable", "timed out"]).toContain(dependencies[0]?.error);

      await way.set("open");
      await eventually(() => storage.put({ ...PUT, key }).catch(() => null));
      // What a lost answer hid was one write: repeated, it finds itself or is made now.
      const found = await eventually(() => storage.get(key).catch(() => null));
      expect(found).toMatchObject({ body: Buffer.from(BODY) });
      await storageCheck(storage).check(new AbortController().signal);
    },
  );

  test("answers that were lost are found out: what was written is one object, and found again", async () => {
    const key = newKey();
    await way.set("mute");
    await storage.put({ ...PUT, key }).catch(() => undefined);
    await way.set("open");
    const first = await eventually(() => storage.head(key).catch(() => null));
    const again = await eventually(() => storage.put({ ...PUT, key }).catch(() => null));
    expect(again).toEqual({ outcome: "already-there", etag: first?.etag });
  });

  test("while it keeps failing it is left alone but for a try a second: calls end at once", async () => {
    await way.set("busy");
    for (let n = 0; n < 3; n += 1) await storage.head("x").catch(() => undefined);
    expect(storage.circuit).toBe("open");
    const before = way.connections;
    await expect(storage.head("x")).rejects.toMatchObject({
      code: "STORAGE_UNAVAILABLE",
      outcome: "none",
    });
    expect(way.connections - before).toBeLessThanOrEqual(1);
    expect(outcomes).toContain("rejected");
  });

  test("a crowd that waits for it is bounded: who comes too late is refused at once", async () => {
    const narrow = storageOn(store, { port: way.port, concurrency: 2, attemptTimeoutMs: 300 });
    await way.set("silent");
    const codes = await Promise.all(
      Array.from({ length: 8 }, () =>
        narrow.head("x", {}).then(
          () => "ok",
          (error: { code: string }) => error.code,
        ),
      ),
    );
    expect(codes).toContain("SATURATED");
    expect(codes).not.toContain("ok");
    await narrow.close();
  });
});

describe("an object that changed on the way", () => {
  test("is not handed out, and asked for again", async () => {
    const store = await startS3();
    const storage = storageOn(store);
    const put = { key: "a.json", body: BODY, contentType: "application/json" };
    await storage.put(put);
    store.faults.set([{ effect: { kind: "corrupt" }, operations: ["GetObject"], times: 1 }]);
    expect((await storage.get("a.json"))?.body).toEqual(Buffer.from(BODY));
    store.faults.set([{ effect: { kind: "corrupt" }, operations: ["GetObject"] }]);
    await expect(storage.get("a.json")).rejects.toMatchObject({
      code: "OBJECT_DAMAGED",
      status: 502,
    });
    store.faults.set([
      { effect: { kind: "shorten", byBytes: 1 }, operations: ["GetObject"], keyPrefix: "a" },
    ]);
    for (let n = 0; n < 5; n += 1) {
      await expect(storage.get("a.json")).rejects.toMatchObject({ code: "OBJECT_DAMAGED" });
    }
    // It says nothing of the others.
    await storage.put({ ...put, key: "b.json" });
    expect(await storage.get("b.json")).not.toBeNull();
    await storage.close();
    await store.close();
  });
});
