import type { DivergentRow } from "@cloudphoenix/engine";
import * as fc from "fast-check";
import type { Client } from "pg";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Pair, SITE_A, SITE_B, soon } from "./fixture/pair.ts";
import { arrival, contents, partSites } from "./fixture/parted.ts";
import { startTwoServers, type TwoServers } from "./fixture/two-servers.ts";
import { until } from "./fixture/until.ts";

let servers: TwoServers;
let pair: Pair;

beforeAll(async () => {
  // A crash must not lose what was committed, or "lost" would mean two different things.
  servers = await startTwoServers({ fsync: "on" });
});
afterAll(() => servers.remove());
afterEach(async () => {
  servers.a.link.delayMs = 0;
  servers.a.link.mend();
  await servers.a.reopen();
  await pair.close();
});

async function listed(appliedLsn: string): Promise<DivergentRow[]> {
  const rows: DivergentRow[] = [];
  for await (const row of pair.replication.salvage.rows(SITE_A, appliedLsn, soon())) rows.push(row);
  return rows;
}

/** Writes orders until told to stop or until its server dies; remembers what it was promised. */
class Writer {
  readonly promised: string[] = [];
  readonly #done: Promise<void>;
  #on = true;

  constructor(client: Client) {
    this.#done = this.#write(client);
  }

  async stop(): Promise<void> {
    this.#on = false;
    await this.#done;
  }

  async #write(client: Client): Promise<void> {
    try {
      while (this.#on) {
        const { rows } = await client.query<{ id: string }>(
          `with made as (insert into orders (customer) values ('load') returning id)
           insert into "Order Items" select id, 1, 'SKU' from made returning order_id as id`,
        );
        this.promised.push(rows[0]?.id ?? "");
      }
    } catch {
      // The server died or was fenced: what was in flight was never promised.
    }
  }
}

async function write(site: string, writers: number): Promise<readonly Writer[]> {
  const clients = await Promise.all(
    Array.from({ length: writers }, () => pair.client(site, "app")),
  );
  return clients.map((client) => new Writer(client));
}

async function stop(writers: readonly Writer[]): Promise<readonly string[]> {
  await Promise.all(writers.map((writer) => writer.stop()));
  return writers.flatMap((writer) => writer.promised);
}

test("full circle: lost under load, listed exactly, brought home by key, compared, switched back", async () => {
  pair = await Pair.make(servers, { application: "circle" });
  await pair.follow();
  const { control, salvage, watch } = pair.replication;
  watch.start();
  servers.a.link.delayMs = 40;
  const before = await write(SITE_A, 4);
  await until(async () => before.flatMap((one) => one.promised).length > 200);
  servers.a.link.cut();
  // Every writer may have had one order under way: of more than those, one is of after the cut.
  const promisedNow = (): number => before.flatMap((one) => one.promised).length;
  const enough = promisedNow() + before.length;
  await until(async () => promisedNow() > enough);
  await servers.a.local.killHard();
  const promised = await stop(before);

  const { appliedLsn, reverseSlot } = await control.promote(SITE_B, SITE_A, 2, soon());
  const there = await pair.ask<{ id: string }>(SITE_B, "select id::text from orders");
  const arrived = new Set(there.map((row) => row.id));
  await control.openWrites(SITE_B, 2, soon());
  const missing = promised.filter((id) => !arrived.has(id));
  expect(missing.length).toBeGreaterThan(0);
  const during = await write(SITE_B, 2);
  await until(async () => during.flatMap((one) => one.promised).length > 100);

  servers.a.link.delayMs = 0;
  servers.a.link.mend();
  await servers.a.reopen({ default_transaction_read_only: "on" });
  expect(await control.fence(SITE_A, 2, soon())).toMatchObject({ degree: "confirmed" });
  const summary = await salvage.inspect(SITE_A, appliedLsn ?? "", soon());
  const rows = await listed(appliedLsn ?? "");
  const kept = await pair.ask<{ id: string }>(SITE_A, "select id::text from orders");
  const truth = kept.map((row) => row.id).filter((id) => !arrived.has(id));
  const orders = rows.filter((row) => row.table === "public.orders");
  const ids = orders.map((row) => row.row?.["id"] ?? "");
  expect(new Set(ids)).toEqual(new Set(truth));
  expect(ids).toHaveLength(truth.length);
  expect(missing.filter((id) => !truth.includes(id))).toEqual([]);
  expect(summary).toMatchObject({
    transactions: truth.length,
    rowsByTable: { "public.orders": truth.length, 'public."Order Items"': truth.length },
    repairable: true,
    obstacles: [],
    fullCopyTables: [],
  });

  const applied = await salvage.reapply(
    SITE_A,
    SITE_B,
    { appliedLsn: appliedLsn ?? "", generation: 2 },
    soon(),
  );
  expect(applied).toMatchObject({ applied: 2 * truth.length, conflicting: 0 });
  const request = { appliedLsn, reverseSlot, generation: 2 };
  const rejoined = await salvage.rejoin(SITE_A, SITE_B, request, soon());
  expect(rejoined).toMatchObject({ fullCopyTables: [], deleted: 0, alreadyDone: false });

  // Compared while both writers go on: what moves is left out, the rest is equal.
  const moving = await salvage.compare(SITE_B, SITE_A, soon());
  expect(moving).toMatchObject({ equal: true, unsettled: [] });

  const fenced = await control.fence(SITE_B, 3, soon());
  expect(fenced.degree).toBe("confirmed");
  const later = await stop(during);
  await control.drain(SITE_B, SITE_A, soon());
  const home = await control.promote(SITE_A, SITE_B, 3, soon());
  await control.openWrites(SITE_A, 3, soon());
  const all = await pair.ask<{ id: string }>(SITE_A, "select id::text from orders");
  const present = new Set(all.map((row) => row.id));
  expect([...promised, ...later].filter((id) => !present.has(id))).toEqual([]);
  const back = { appliedLsn: home.appliedLsn, reverseSlot: home.reverseSlot, generation: 3 };
  await salvage.rejoin(SITE_B, SITE_A, back, soon());
  const settled = await salvage.compare(SITE_A, SITE_B, soon());
  expect(settled.equal).toBe(true);
  expect(settled.tables.find((one) => one.name === "public.orders")?.rows).toBe(all.length);
}, 60_000);

test("reads a long tail bit by bit, and stops when the reader does", async () => {
  const parted = await partSites(
    servers,
    { application: "long-tail", schema: "create table public.t (id int primary key, v text)" },
    {
      shared: "insert into t values (0, 'shared')",
      lost: [
        "insert into t select n, repeat('x', 100) from generate_series(1, 25000) n",
        "update t set v = 'changed' where id <= 3000",
      ],
    },
  );
  pair = parted.pair;
  const rows = await listed(parted.appliedLsn);
  expect(rows).toHaveLength(28_001);
  expect(new Set(rows.map((row) => row.xid)).size).toBe(2);
  expect(rows[0]).toMatchObject({ operation: "insert", table: "public.t", key: { id: "1" } });
  let seen = 0;
  for await (const row of pair.replication.salvage.rows(SITE_A, parted.appliedLsn, soon())) {
    expect(row.operation).toBe("insert");
    seen += 1;
    if (seen === 1_500) break;
  }
  expect(seen).toBe(1_500);
  const slots = "select slot_name::text as name from pg_replication_slots";
  await until(async () => (await pair.ask(SITE_A, slots)).length === 1);
});

const LARGE = "x".repeat(10_000);

test("says what rows were, as far as the log has it, and which large values it does not repeat", async () => {
  // PostgreSQL refuses updates of a published table whose identity holds a computed column.
  const schema = `
    create table public.whole (id int primary key, "Big" text, note text);
    alter table public.whole replica identity full, alter "Big" set storage external;
    create table public.keyed (id int primary key, "Big" text, note text,
      length int generated always as (length("Big")) virtual);
    alter table public.keyed alter "Big" set storage external`;
  const parted = await partSites(
    servers,
    { application: "before", schema },
    {
      shared: ["whole", "keyed"]
        .map((name) => `insert into ${name} values (1, '${LARGE}', null), (2, null, 'gone')`)
        .join(";"),
      lost: ["whole", "keyed"].flatMap((name) => [
        `update ${name} set note = 'changed' where id = 1`,
        `update ${name} set id = 3 where id = 1`,
        `delete from ${name} where id = 2`,
        `insert into ${name} values (4, 'small', null)`,
      ]),
    },
  );
  pair = parted.pair;
  const rows = await listed(parted.appliedLsn);
  expect(rows.map(({ before, row, unchanged }) => ({ before, row, unchanged }))).toEqual([
    {
      before: { id: "1", Big: LARGE, note: null },
      row: { id: "1", Big: LARGE, note: "changed" },
      unchanged: [],
    },
    {
      before: { id: "1", Big: LARGE, note: "changed" },
      row: { id: "3", Big: LARGE, note: "changed" },
      unchanged: [],
    },
    { before: { id: "2", Big: null, note: "gone" }, row: null, unchanged: [] },
    { before: null, row: { id: "4", Big: "small", note: null }, unchanged: [] },
    { before: null, row: { id: "1", note: "changed" }, unchanged: ["Big"] },
    { before: { id: "1" }, row: { id: "3", note: "changed" }, unchanged: ["Big"] },
    { before: { id: "2" }, row: null, unchanged: [] },
    { before: null, row: { id: "4", Big: "small", note: null }, unchanged: [] },
  ]);
  const request = { appliedLsn: parted.appliedLsn, generation: 2 };
  const applied = await pair.replication.salvage.reapply(SITE_A, SITE_B, request, soon());
  expect(applied).toMatchObject({ applied: 8, conflicting: 0 });
  const tables = ["whole", "keyed"];
  expect(await contents(pair, SITE_B, tables)).toEqual(await contents(pair, SITE_A, tables));
});

const RANDOM_SCHEMA = `
  create table public.parent (id int primary key, code text unique, v text);
  create table public.child (a int, b text, parent int references public.parent on update cascade
    on delete set null, v text, primary key (a, b));
  alter table public.child replica identity full`;

type Statement = { readonly sql: string; readonly values: readonly unknown[] };

const id = fc.integer({ min: 1, max: 8 });
const code = fc.constantFrom("a", "b", "c", "it's", null);
const text = fc.constantFrom("x", "y", "", " ", "it''s \\ \n\t[z]:'q'", null);
const statement: fc.Arbitrary<Statement> = fc.oneof(
  fc
    .tuple(id, code, text)
    .map((values) => ({ sql: "insert into parent values ($1, $2, $3)", values })),
  fc.tuple(id, id).map((values) => ({ sql: "update parent set id = $2 where id = $1", values })),
  fc
    .tuple(id, code)
    .map((values) => ({ sql: "update parent set code = $2 where id = $1", values })),
  fc.tuple(id, text).map((values) => ({ sql: "update parent set v = $2 where id >= $1", values })),
  fc.tuple(id).map((values) => ({ sql: "delete from parent where id = $1", values })),
  fc
    .tuple(id, fc.constantFrom("p", "q'"), id, text)
    .map((values) => ({ sql: "insert into child values ($1, $2, $3, $4)", values })),
  fc.tuple(id, id).map((values) => ({ sql: "update child set a = $2 where a = $1", values })),
  fc.tuple(id).map((values) => ({ sql: "delete from child where a = $1", values })),
);
const statements = fc.array(statement, { minLength: 4, maxLength: 25 });

/** Runs what the constraints let through. @returns how many transactions changed something */
async function run(client: Client, all: readonly Statement[]): Promise<number> {
  let changed = 0;
  for (const { sql, values } of all) {
    const result = await client.query(sql, [...values]).catch(() => null);
    if ((result?.rowCount ?? 0) > 0) changed += 1;
  }
  return changed;
}

// Goal: whatever both sites did, the loss is counted exactly, and after a rejoin both are equal.
// Method: one pair plays random histories one after the other, each site in turn as the one that is
// cut off, so that later rounds start from what earlier ones left behind.
test("random histories: the loss is counted exactly and both sites are equal after a rejoin", async () => {
  pair = await Pair.make(servers, { application: "random", schema: RANDOM_SCHEMA });
  await pair.follow();
  const { control, salvage } = pair.replication;
  let [active, standby] = [SITE_A, SITE_B];
  let generation = 1;
  await fc.assert(
    fc.asyncProperty(statements, statements, statements, async (shared, lost, later) => {
      const from = await pair.client(active, "super");
      await run(from, shared);
      await arrival(pair, active, standby);
      pair.server(active).link.cut();
      const changed = await run(from, lost);
      generation += 1;
      await control.fence(active, generation, soon());
      const promotion = await control.promote(standby, active, generation, soon());
      await control.openWrites(standby, generation, soon());
      pair.server(active).link.mend();
      await run(await pair.client(standby, "super"), later);
      const { appliedLsn, reverseSlot } = promotion;
      const summary = await salvage.inspect(active, appliedLsn ?? "", soon());
      expect(summary).toMatchObject({ transactions: changed, obstacles: [] });
      const request = { appliedLsn, reverseSlot, generation };
      await salvage.rejoin(active, standby, request, soon());
      const tables = ["parent", "child"];
      const kept = await contents(pair, standby, tables);
      expect(await contents(pair, active, tables)).toEqual(kept);
      const compared = await salvage.compare(standby, active, soon());
      expect(compared.equal).toBe(true);
      [active, standby] = [standby, active];
    }),
    { numRuns: 8, endOnFailure: true },
  );
}, 60_000);

test("a site whose fence is not confirmed says that it takes writes, and is not salvaged from", async () => {
  pair = await Pair.make(servers, { application: "half_fenced", limits: { gateMs: 100 } });
  await pair.follow();
  const { control } = pair.replication;
  const app = await pair.client(SITE_A, "app");
  await app.query("insert into orders (customer) values ('shared')");
  await arrival(pair, SITE_A, SITE_B);
  servers.a.link.cut();
  // A prepared transaction belongs to no session that could be ended.
  await app.query("begin; insert into counters (name) values ('x'); prepare transaction 'held'");
  const { appliedLsn } = await control.promote(SITE_B, SITE_A, 2, soon());
  await control.openWrites(SITE_B, 2, soon());
  servers.a.link.mend();

  expect((await control.fence(SITE_A, 2, soon())).degree).toBe("unproven");

  expect(await control.inspect(SITE_A, soon())).toMatchObject({ role: "fenced", writesOpen: true });
  await expect(listed(appliedLsn ?? "")).rejects.toThrow("still takes writes");

  const root = await pair.client(SITE_A, "super");
  await root.query("rollback prepared 'held'");
  expect((await control.fence(SITE_A, 2, soon())).degree).toBe("confirmed");
  expect(await control.inspect(SITE_A, soon())).toMatchObject({ writesOpen: false });
  expect(await listed(appliedLsn ?? "")).toEqual([]);
});
