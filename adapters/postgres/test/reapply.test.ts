import type { ReapplyResult } from "@cloudphoenix/engine";
import { describe, expect, test } from "vitest";
import { SITE_A, SITE_B, soon } from "./fixture/pair.ts";
import { contents, type Parted, reapply, setStage, type Story } from "./fixture/parted.ts";
import { until } from "./fixture/until.ts";

const stage = setStage();

function parted(application: string, story: Story, schema?: string): Promise<Parted> {
  const options = schema === undefined ? { application } : { application, schema };
  return stage.part(options, story);
}

const SHARED = `
  insert into orders (id, number, customer) select n, 'N' || n, 'c' || n from generate_series(1, 9) n;
  insert into "Order Items" select n, 1, 'SKU-' || n from generate_series(1, 9) n`;

describe("lost transactions applied again", () => {
  test("are at the writer afterwards, unchanged, if nothing contradicts them", async () => {
    const found = await parted("agrees", {
      shared: SHARED,
      lost: [
        `begin; insert into orders (id, number, customer) values (50, 'L50', 'lost');
         insert into "Order Items" values (50, 1, 'LOST'), (50, 2, 'LOST'); commit`,
        "update orders set customer = 'lost' where id = 50",
        "update orders set status = 'paid', note = repeat('long', 3000) where id = 1",
        "delete from orders where id = 2",
        'update "Order Items" set line = 7 where order_id = 3',
      ],
      later: "insert into orders (id, number, customer) values (60, 'B60', 'later')",
    });
    const result = await reapply(found);
    // Deleting order 2 took its item with it: two rows.
    expect(result).toEqual({ applied: 8, conflicting: 0, conflicts: [], alreadyDone: false });
    const there = await contents(stage.pair, SITE_B, ["orders", '"Order Items"']);
    const here = await contents(stage.pair, SITE_A, ["orders", '"Order Items"']);
    expect(there['"Order Items"']).toEqual(here['"Order Items"']);
    expect(there["orders"]?.filter((row) => !String(row).includes("B60"))).toEqual(here["orders"]);
    expect(await reapply(found)).toEqual({ ...result, alreadyDone: true });
    expect(await contents(stage.pair, SITE_B, ["orders", '"Order Items"'])).toEqual(there);

    await stage.pair.replication.salvage.rejoin(SITE_A, SITE_B, found.request, soon());
    const compared = await stage.pair.replication.salvage.compare(SITE_B, SITE_A, soon());
    expect(compared).toMatchObject({ equal: true, unsettled: [] });
  });

  test("are left out whole if one of their rows was changed there, and so is what builds on them", async () => {
    const found = await parted("contradicts", {
      shared: SHARED,
      lost: [
        "begin; update orders set note = 'mine' where id = 1; update orders set note = 'mine' where id = 2; commit",
        "update orders set customer = 'on top' where id = 2",
        "insert into orders (id, number, customer) values (70, 'L70', 'taken')",
        "insert into orders (id, number, customer) values (71, 'taken', 'number taken')",
        "delete from orders where id = 4",
        "update orders set customer = 'gone there' where id = 5",
        `insert into "Order Items" values (6, 2, 'ORPHAN')`,
        "delete from orders where id = 7",
        "update orders set customer = 'there and back' where id = 8",
        "update orders set customer = 'fits' where id = 9",
      ],
      later: `update orders set note = 'theirs' where id = 1; update orders set customer = 'x' where id = 4;
        insert into orders (id, number, customer) values (70, 'B70', 'x'), (80, 'taken', 'x');
        delete from orders where id in (5, 6);
        insert into "Order Items" values (7, 9, 'CHILD');
        update orders set customer = 'y' where id = 8; update orders set customer = 'c8' where id = 8`,
    });
    const before = await contents(stage.pair, SITE_B, ["orders", '"Order Items"']);
    const result = await reapply(found);
    expect(result.applied).toBe(1);
    expect(result.conflicts.map(({ operation, key }) => [operation, key])).toEqual([
      ["update", { id: "1" }],
      ["update", { id: "2" }],
      ["update", { id: "2" }],
      ["insert", { id: "70" }],
      ["insert", { id: "71" }],
      ["delete", { id: "4" }],
      ["delete", { order_id: "4", line: "1" }],
      ["update", { id: "5" }],
      ["insert", { order_id: "6", line: "2" }],
      ["delete", { id: "7" }],
      ["delete", { order_id: "7", line: "1" }],
      ["update", { id: "8" }],
    ]);
    expect(result.conflicting).toBe(12);
    const after = await contents(stage.pair, SITE_B, ["orders", '"Order Items"']);
    expect(after['"Order Items"']).toEqual(before['"Order Items"']);
    const changed = after["orders"]?.filter((row) => !before["orders"]?.includes(row));
    expect(changed).toHaveLength(1);
    expect(changed?.[0]).toContain("fits");
  });

  test("never truncate, and rows without a key are only added", async () => {
    const found = await parted(
      "keyless",
      {
        shared: "insert into t values (1, 'a'); insert into keyless values (1, 'same')",
        lost: [
          "insert into keyless values (2, 'added')",
          "update keyless set b = 'changed' where a = 1",
          "truncate t",
          "insert into t values (2, 'after the truncation')",
        ],
      },
      `create table public.t (id int primary key, v text); create table public.keyless (a int, b text);
       alter table public.keyless replica identity full`,
    );
    const result = await reapply(found);
    expect(result).toMatchObject({ applied: 1, conflicting: 3 });
    expect(result.conflicts.map(({ operation }) => operation)).toEqual([
      "update",
      "truncate",
      "insert",
    ]);
    expect(await contents(stage.pair, SITE_B, ["t", "keyless"])).toEqual({
      t: ["(1,a)"],
      keyless: ["(1,same)", "(2,added)"],
    });
    expect(result.conflicts[0]).toMatchObject({ before: { a: "1", b: "same" }, unchanged: [] });
    // As an earlier version wrote it.
    await stage.pair.ask(
      SITE_B,
      `update cloudphoenix.reapplied
       set conflicts = (select jsonb_agg(c - 'before' - 'unchanged') from jsonb_array_elements(conflicts) c)`,
    );
    const { conflicts } = await reapply(found);
    expect(conflicts[0]).toMatchObject({ before: null, unchanged: [], row: { b: "changed" } });
  });
});

/** Returns once so many sessions at the writer wait for locks of others, or `over` says so. */
async function waiting(sessions: number, over: () => boolean = () => false): Promise<void> {
  await until(async () => {
    const rows = await stage.pair.ask(SITE_B, "select from pg_locks where not granted");
    return rows.length >= sessions || over();
  });
}

describe("what the application changes while lost transactions are applied again", () => {
  const FAMILY = `create table public.parent (id int primary key);
    create table public.child (id int primary key, parent int references public.parent);
    create table public.t (id int primary key, v text)`;
  const SHARED_ROWS =
    "insert into parent values (1); insert into t values (1, 'same'), (2, 'same')";

  // Seen by no look before the rows are locked; only locking waits for it, only the look after that sees it.
  test("and commits before its rows are locked stays as it is", async () => {
    const found = await parted(
      "before-lock",
      {
        shared: SHARED_ROWS,
        lost: ["update t set v = 'lost' where id = 1", "delete from t where id = 2"],
      },
      FAMILY,
    );
    const { there } = found;
    await there.query("begin; update t set v = 'theirs'");
    const applying = reapply(found);
    await waiting(1);
    await there.query("commit");
    expect(await applying).toMatchObject({ applied: 0, conflicting: 2 });
    expect(await contents(stage.pair, SITE_B, ["t"])).toEqual({ t: ["(1,theirs)", "(2,theirs)"] });
  });

  // Such a commit lets go of its rows before it is in the part of the log that can be read.
  test("stays as it is also if it commits without waiting for its log", async () => {
    const found = await parted(
      "unflushed",
      { shared: SHARED_ROWS, lost: "update t set v = 'lost' where id = 1" },
      FAMILY,
    );
    const { there } = found;
    await there.query("alter system set wal_writer_delay = '10s'");
    await there.query("select pg_reload_conf()");
    await there.query("set synchronous_commit = off; begin; update t set v = 'theirs'");
    const applying = reapply(found);
    await waiting(1);
    await there.query("commit");
    expect(await applying).toMatchObject({ applied: 0, conflicting: 1 });
    await there.query("alter system reset wal_writer_delay");
    await there.query("select pg_reload_conf()");
  });

  test("waits once its rows are locked, and comes after them", async () => {
    const found = await parted(
      "after-lock",
      {
        shared: SHARED_ROWS,
        lost: ["insert into child values (1, 1)", "update t set v = 'lost' where id = 1"],
      },
      FAMILY,
    );
    // Stops it between the two lost transactions, where the row of the second is not changed yet.
    await found.there.query("begin; select from parent for update");
    const applying = reapply(found);
    await waiting(1);
    const app = await stage.pair.client(SITE_B, "super");
    const ended: string[] = [];
    const theirs = app
      .query("update t set v = v || ', then theirs' where id = 1")
      .then(() => ended.push("theirs"));
    await waiting(2, () => ended.length > 0);
    await found.there.query("rollback");
    expect(await applying).toMatchObject({ applied: 2, conflicting: 0 });
    await theirs;
    expect(await contents(stage.pair, SITE_B, ["t"])).toEqual({
      t: ['(1,"lost, then theirs")', "(2,same)"],
    });
  });
});

/** Long enough to get to the commit on a busy machine; the test waits for it to end. */
const LEASE_MS = 5_000;

describe("applying again is refused", () => {
  const STORY: Story = { lost: "insert into t values (1, 'lost')" };
  const TABLE = "create table public.t (id int primary key, v text)";

  test("for an older generation, and where writes are not open", async () => {
    const { appliedLsn } = await parted("closed", STORY, TABLE);
    const { control, salvage } = stage.pair.replication;
    const request = { appliedLsn, generation: 2 };
    await expect(
      salvage.reapply(SITE_A, SITE_B, { ...request, generation: 1 }, soon()),
    ).rejects.toMatchObject({ code: "STALE_GENERATION" });
    await control.closeWrites(SITE_B, 2, soon());
    await expect(salvage.reapply(SITE_A, SITE_B, request, soon())).rejects.toMatchObject({
      code: "CONFLICT",
    });
    expect(await contents(stage.pair, SITE_B, ["t"])).toEqual({ t: [] });
  });

  test("when a gate was closed by somebody else meanwhile", async () => {
    const { appliedLsn } = await parted("gate", STORY, TABLE);
    const admin = await stage.pair.client(SITE_B, "super");
    await admin.query("alter table t enable trigger cloudphoenix_write_gate");
    const request = { appliedLsn, generation: 2 };
    await expect(
      stage.pair.replication.salvage.reapply(SITE_A, SITE_B, request, soon()),
    ).rejects.toThrow("writes are closed");
    expect(await contents(stage.pair, SITE_B, ["t"])).toEqual({ t: [] });
  });

  test("when the writer lease lapsed, also if it does so only before the commit", async () => {
    const options = { application: "lapsed", schema: TABLE, leased: true };
    const { appliedLsn, request } = await stage.part(options, STORY);
    const wanted = { appliedLsn, generation: 2 };
    let recorded = false;
    const frozen = stage.pair.another({
      beforeStatement: (_, statement) => {
        recorded ||= statement.includes("insert into cloudphoenix.reapplied");
        // As if the process had been stopped between its last statement and the commit.
        if (recorded && statement === "commit") {
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LEASE_MS);
        }
      },
    });
    await stage.pair.grantLease(SITE_B, 2, LEASE_MS);
    await expect(frozen.salvage.reapply(SITE_A, SITE_B, wanted, soon())).rejects.toThrow(
      "the writer lease has lapsed",
    );
    expect(recorded).toBe(true);
    const { salvage } = stage.pair.replication;
    await expect(salvage.reapply(SITE_A, SITE_B, wanted, soon())).rejects.toThrow(
      "the writer lease has lapsed",
    );
    expect(await contents(stage.pair, SITE_B, ["t"])).toEqual({ t: [] });
    await stage.pair.grantLease(SITE_B, 2, 60_000);
    expect(await salvage.reapply(SITE_A, SITE_B, wanted, soon())).toMatchObject({ applied: 1 });
    await salvage.rejoin(SITE_A, SITE_B, request, soon());
    expect(await salvage.compare(SITE_B, SITE_A, soon())).toMatchObject({ equal: true });
  });

  test("without the right to apply as replication does, naming it", async () => {
    const { appliedLsn } = await parted("right", STORY, TABLE);
    const admin = await stage.pair.client(SITE_B, "super");
    await admin.query("revoke set on parameter session_replication_role from cloudphoenix");
    const request = { appliedLsn, generation: 2 };
    const refused = stage.pair.replication.salvage.reapply(SITE_A, SITE_B, request, soon());
    await expect(refused).rejects.toMatchObject({
      code: "UNAUTHORIZED",
      hint: expect.stringContaining("session_replication_role"),
    });
    await admin.query("grant set on parameter session_replication_role to cloudphoenix");
  });

  test("once a repair of the old primary has begun", async () => {
    const { appliedLsn, request } = await parted("begun", STORY, TABLE);
    const dying = stage.pair.another({
      beforeStatement: (_, statement) => {
        if (statement.includes("create subscription")) throw new Error("killed");
      },
    });
    await expect(dying.salvage.rejoin(SITE_A, SITE_B, request, soon())).rejects.toThrow("killed");
    const again = { appliedLsn, generation: 2 };
    await expect(
      stage.pair.replication.salvage.reapply(SITE_A, SITE_B, again, soon()),
    ).rejects.toMatchObject({ code: "CONFLICT" });
  });
});

// Goal: a crash leaves either nothing or everything. Method: as for a rejoin, one statement further each time.
test("applying that dies between any two statements is done once in the end", async () => {
  const { appliedLsn } = await parted(
    "dies-too",
    {
      shared: "insert into t values (1, 'same')",
      lost: ["insert into t values (2, 'lost')", "update t set v = 'lost' where id = 1"],
      later: "insert into t values (3, 'later')",
    },
    "create table public.t (id int primary key, v text)",
  );
  const request = { appliedLsn, generation: 2 };
  const attempt = async (statements: number): Promise<ReapplyResult | Error> => {
    let left = statements;
    const dying = stage.pair.another({
      beforeStatement: () => {
        if (left === 0) throw new Error("killed");
        left -= 1;
      },
    });
    const result = await dying.salvage
      .reapply(SITE_A, SITE_B, request, soon())
      .catch((error: Error) => error);
    await dying.close();
    return result;
  };
  const results = [await attempt(0)];
  while (results.at(-1) instanceof Error) results.push(await attempt(results.length));
  const [done, ...deaths] = results.toReversed();
  expect(done).toMatchObject({ applied: 2, conflicting: 0 });
  expect(deaths.length).toBeGreaterThan(20);
  for (const death of deaths)
    expect(death).toMatchObject({ message: expect.stringContaining("killed") });
  expect(await contents(stage.pair, SITE_B, ["t"])).toEqual({
    t: ["(1,lost)", "(2,lost)", "(3,later)"],
  });
}, 120_000);
