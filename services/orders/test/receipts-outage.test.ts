// "Graceful degradation: storage down → orders still accepted, receipts queued and written later,
// `/health` says degraded", and "SIGTERM during a stuck dependency: exit inside the deadline", on a real
// PostgreSQL and both kinds of object stores.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { STORES } from "../../../packages/chassis/test/storage-world.ts";
import { ask, eventually, place, spawnService } from "./orders-world.ts";
import { askReceipt, openReceiptsWorld, placeMany, type ReceiptsWorld } from "./receipts-world.ts";

/** A failure that a busy machine made would count as an attempt, or have another name. */
const PATIENT = { STORAGE_TIMEOUT_MS: "10000" };

describe.each(STORES)("while the object store (%s) is down", (_name, startStore) => {
  let world: ReceiptsWorld;

  beforeAll(async () => {
    world = await openReceiptsWorld(startStore);
  });
  beforeEach(() => world.reset());
  afterAll(() => world.close());

  test("orders are accepted, receipts wait, health is degraded; once it is back they are written", async () => {
    const { url } = await world.start({ ...PATIENT, RECEIPTS_LATE_AFTER_SECONDS: "1" });
    await place(url, "before");
    await world.allStored(1);

    await world.way.set("refused");
    const answers = await placeMany(url, 30, "down");
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
    const health = await eventually(
      () => ask(`${url}/health`),
      // On a busy machine the database may look slow for a while, and the count be of a moment ago.
      ({ body }) =>
        /"30 receipts wait/.test(JSON.stringify(body)) &&
        /"database","status":"healthy"/.test(JSON.stringify(body)),
    );
    expect([health.status, health.body["status"]]).toEqual([200, "degraded"]);
    expect(health.body["dependencies"]).toMatchObject([
      { name: "database", status: "healthy" },
      { name: "writer-lease", status: "healthy" },
      { name: "storage", status: "unhealthy", error: "unreachable" },
      { name: "receipts", status: "degraded", error: expect.stringMatching(/^30 receipts wait/) },
    ]);
    const cloud = await eventually(
      () => ask(`${url}/cloud-status`),
      ({ body }) => body["database"] === "healthy",
    );
    expect(cloud.body).toMatchObject({ storage: "unhealthy" });
    expect([(await ask(`${url}/ready`)).status, (await ask(`${url}/traffic`)).status]).toEqual([
      200, 200,
    ]);
    const waiting = answers[0]?.body["id"];
    const pending = await askReceipt(url, waiting);
    expect([pending.status, pending.headers.get("retry-after")]).toEqual([202, "1"]);
    expect(pending.body).toEqual({ status: "pending", orderId: waiting });
    expect((await ask(`${url}/receipts`)).body).toMatchObject({ waiting: 30, setAside: 0 });

    await world.way.set("open");
    const rows = await world.allStored(31);
    // An outage is no fault of a receipt.
    expect(rows.map((row) => row["attempts"])).toEqual(rows.map(() => 1));
    expect((await askReceipt(url, waiting)).status).toBe(200);
    await eventually(
      () => ask(`${url}/health`),
      ({ body }) => body["status"] === "healthy",
    );
  }, 60_000);

  test.each(["silent", "busy", "slow", "cut"] as const)(
    "a store that is %s delays nothing but receipts",
    async (mode) => {
      const { url } = await world.start();
      await world.way.set(mode);
      const answers = await placeMany(url, 10, mode);
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
      await world.way.set("open");
      const rows = await world.allStored(10);
      for (const { key } of rows as { key: string }[]) {
        expect(await world.objects().head(key)).not.toBeNull();
      }
    },
    60_000,
  );

  test("a stored receipt that cannot be read now is 503 with Retry-After, never missing", async () => {
    const { url } = await world.start(PATIENT);
    const { body: order } = await place(url, "unreadable");
    await world.allStored(1);
    await world.way.set("busy");
    const answer = await askReceipt(url, order["id"]);
    expect([answer.status, answer.body["code"], answer.headers.get("retry-after")]).toEqual([
      503,
      "STORAGE_UNAVAILABLE",
      "1",
    ]);
  });

  test("SIGTERM with a store that never answers ends the process in time, and loses no receipt", async () => {
    const service = await spawnService(world, {
      ...world.settings(),
      STORAGE_TIMEOUT_MS: "60000",
      SHUTDOWN_DEADLINE_MS: "8000",
    });
    await world.way.set("silent");
    const { body: order } = await place(service.url, "stuck");
    await eventually(
      () => world.rows(),
      ([row]) => row?.["attempts"] === 1,
    );
    service.child.kill("SIGTERM");
    // 1 would be the deadline's doing.
    expect(await service.exit).toBe(0);
    await world.way.set("open");
    const { url } = await world.start();
    await world.allStored(1);
    expect((await askReceipt(url, order["id"])).status).toBe(200);
  }, 60_000);
});
