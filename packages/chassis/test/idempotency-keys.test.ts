// "Idempotency keys that stay correct across a failover."
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  FencedWrites,
  forgetOldKeys,
  IdempotentWrites,
  requestHash,
  type Database,
} from "../src/index.ts";
import { CLOUDPHOENIX_SCHEMA, type World } from "./chassis-world.ts";
import { add, CLOSE_WRITES, openNotes, startAnew } from "./notes-world.ts";

let world: World;
let database: Database;

beforeAll(async () => {
  world = await openNotes();
  database = world.database();
});

beforeEach(() => startAnew(world));

afterAll(async () => {
  await database.close();
  await world.close();
});

describe("idempotency keys", () => {
  const request = { key: "k1", hash: requestHash({ body: "a" }) };
  let idempotent: IdempotentWrites;

  beforeEach(() => {
    idempotent = new IdempotentWrites(new FencedWrites(database));
  });

  test("the second request with a key gets the first one's answer and does nothing", async () => {
    const first = await idempotent.run(request, (it) => add(it, "a"));
    const second = await idempotent.run(request, () => Promise.reject(new Error("must not run")));
    expect(first).toEqual({ answer: [{ body: "a" }], replayed: false });
    expect(second).toEqual({ answer: [{ body: "a" }], replayed: true });
    expect(await world.sql("select body from notes")).toHaveLength(1);
  });

  test("fifty at once make one effect and get one answer", async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => idempotent.run(request, (it) => add(it, "a"))),
    );
    expect(answers.filter((it) => !it.replayed)).toHaveLength(1);
    expect(new Set(answers.map((it) => JSON.stringify(it.answer))).size).toBe(1);
    expect(await world.sql("select 1 from notes")).toHaveLength(1);
  });

  test("the same key with another request is refused", async () => {
    await idempotent.run(request, (it) => add(it, "a"));
    await expect(
      idempotent.run({ key: "k1", hash: requestHash({ body: "b" }) }, (it) => add(it, "b")),
    ).rejects.toMatchObject({ code: "IDEMPOTENCY_MISMATCH", status: 422, retryable: false });
    expect(await world.sql("select 1 from notes")).toHaveLength(1);
  });

  test("a key whose work failed is free again, and its work undone", async () => {
    const failing = idempotent.run(request, async (it) => {
      await add(it, "a");
      throw new Error("mine");
    });
    await expect(failing).rejects.toThrow("mine");
    expect(await world.sql("select 1 from notes")).toEqual([]);
    expect((await idempotent.run(request, (it) => add(it, "a"))).replayed).toBe(false);
  });

  test("a request that waits too long for the first one is 409 and may come back", async () => {
    const release = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const first = idempotent.run(request, async (it) => {
      await add(it, "a");
      begun.resolve();
      await release.promise;
      return "done";
    });
    await begun.promise;
    await expect(idempotent.run(request, (it) => add(it, "a"))).rejects.toMatchObject({
      code: "IDEMPOTENCY_IN_PROGRESS",
      status: 409,
      retryable: true,
    });
    release.resolve();
    expect(await first).toEqual({ answer: "done", replayed: false });
  });

  test("a site that may not write repeats nothing either", async () => {
    await world.sql(CLOUDPHOENIX_SCHEMA);
    await idempotent.run(request, (it) => add(it, "a"));
    await world.sql(CLOSE_WRITES);
    await expect(idempotent.run(request, (it) => add(it, "a"))).rejects.toMatchObject({
      code: "READ_ONLY",
    });
  });

  // Goal: whatever part of the log reached the other site, a retry there neither loses nor doubles.
  // Method: the "other site" gets a prefix of the transactions, whole ones only, as replication does.
  test.each([true, false])(
    "after a failover a retried request has one effect (its transaction had arrived: %s)",
    async (arrived) => {
      const other = await openNotes();
      const otherDatabase = other.database();
      try {
        const first = await idempotent.run(request, (it) => add(it, "a"));
        if (arrived) {
          for (const table of ["notes", "idempotent_requests"]) {
            const rows = await world.sql(`select to_jsonb(t) as row from ${table} t`);
            for (const { row } of rows) {
              await other.sql(
                `insert into ${table} select * from jsonb_populate_record(null::${table}, $1)`,
                [row],
              );
            }
          }
        }
        const atOther = new IdempotentWrites(new FencedWrites(otherDatabase));
        const again = await atOther.run(request, (it) => add(it, "a"));
        expect(again).toEqual({ answer: first.answer, replayed: arrived });
        expect(await other.sql("select body from notes")).toEqual([{ body: "a" }]);
      } finally {
        await otherDatabase.close();
        await other.close();
      }
    },
  );

  test("the fingerprint ignores the order of keys and nothing else", () => {
    const a = requestHash({ body: "a", items: [1, 2], nested: { x: 1, y: null } });
    expect(requestHash({ nested: { y: null, x: 1 }, items: [1, 2], body: "a" })).toBe(a);
    expect(requestHash({ nested: { y: null, x: 1 }, items: [2, 1], body: "a" })).not.toBe(a);
    expect(requestHash({ nested: { y: 0, x: 1 }, items: [1, 2], body: "a" })).not.toBe(a);
    expect(requestHash(undefined)).toBe(requestHash(null));
  });

  test("old keys are forgotten, young ones kept", async () => {
    await idempotent.run(request, async () => 1);
    await idempotent.run({ ...request, key: "old" }, async () => 1);
    await world.sql(
      "update idempotent_requests set created_at = now() - interval '8 days' where key = 'old'",
    );
    expect(await forgetOldKeys(database, 7)).toBe(1);
    expect(await world.sql("select key from idempotent_requests")).toEqual([{ key: "k1" }]);
  });
});
