import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { PreflightError } from "../src/index.ts";
import { failureOf } from "./fixture/failure.ts";
import { Pair, SITE_A, SITE_B, soon } from "./fixture/pair.ts";
import { startTwoServers, type TwoServers } from "./fixture/two-servers.ts";
import { until } from "./fixture/until.ts";

let servers: TwoServers;
let pair: Pair;

beforeAll(async () => {
  servers = await startTwoServers();
});
afterAll(() => servers.remove());
afterEach(() => pair.close());

/** Everything set-up can change at a server, as one comparable value. */
async function world(site: string): Promise<unknown> {
  return pair.ask(
    site,
    `select (select array_agg(c.oid::text || c.relname || c.relacl::text order by c.oid)
         from pg_class c where c.oid >= 16384) as relations,
       (select array_agg(t.oid::text || t.tgenabled::text order by t.oid) from pg_trigger t) as triggers,
       (select array_agg(s::text order by s.subname) from pg_subscription s) as subscriptions,
       (select array_agg(p::text order by p.oid) from pg_publication_rel p) as published,
       (select array_agg(slot_name order by 1) from pg_replication_slots) as slots,
       (select array_agg(r::text) from pg_subscription_rel r) as copies,
       (select row_to_json(s)::text from cloudphoenix.site s) as site`,
  );
}

/** Sets up, which must be refused by the preflight, and says why. */
async function problems(): Promise<string[]> {
  const refusal = await failureOf(
    pair.replication.setup({ from: SITE_A, to: SITE_B, generation: 1 }, soon()),
  );
  if (!(refusal instanceof PreflightError)) throw refusal;
  expect(refusal).toMatchObject({ code: "REPLICATION_PREFLIGHT", retryable: false });
  for (const { sentence } of refusal.problems) expect(refusal.message).toContain(sentence);
  return refusal.problems.map(({ rule, site, object }) => `${rule} ${site} ${object}`);
}

describe("setting up replication", () => {
  test("copies schema, rights and rows, and from then on every kind of change", async () => {
    pair = await Pair.make(servers, { application: "copies" });
    const app = await pair.client(SITE_A, "app");
    await app.query("insert into orders (customer) values ('before')");
    await pair.follow();
    await app.query("insert into orders (customer, total) values ('after', 1.5)");
    await app.query(`insert into "Order Items" values (2, 1, 'AB-1')`);
    await app.query("update orders set status = 'it''s odd' where id = 1");
    await app.query("insert into counters (name) values ('gone')");
    await app.query("truncate counters");

    const rows = "select id::int, number, customer, status, note, total_cents::int from orders";
    await until(async () => {
      const [items] = await pair.ask<{ count: number }>(
        SITE_B,
        `select count(*)::int from "Order Items"`,
      );
      return items?.count === 1;
    });
    expect(await pair.ask(SITE_B, `${rows} order by id`)).toEqual(
      await pair.ask(SITE_A, `${rows} order by id`),
    );
    expect(await pair.ask(SITE_B, "select * from counters")).toEqual([]);
    pair.replication.watch.start();
    await until(async () => pair.replication.watch.schemaComparison(SITE_B) !== null);
    expect(pair.replication.watch.schemaComparison(SITE_B)?.differences).toEqual([]);
    const grants = `select table_name, privilege_type, grantee from information_schema.table_privileges
      where grantee in ('app', 'PUBLIC') and table_schema = 'public'
      union select table_name || column_name, privilege_type, grantee
      from information_schema.column_privileges where grantee = 'app' order by 1, 2, 3`;
    expect(await pair.ask(SITE_B, grants)).toEqual(await pair.ask(SITE_A, grants));
  });

  test("works without superuser, and shows the application only its own site row", async () => {
    pair = await Pair.make(servers, { application: "rights" });
    await pair.follow();
    const supers = await pair.ask(
      SITE_A,
      "select rolname from pg_roles where rolsuper and rolname in ('cloudphoenix', 'replicator', 'app')",
    );
    expect(supers).toEqual([]);
    const app = await pair.client(SITE_B, "app");
    const { rows } = await app.query("select site, role, writes_open from cloudphoenix.site");
    expect(rows).toEqual([{ site: SITE_B, role: "standby", writes_open: false }]);
    for (const table of ["heartbeat", "sequence_sample", "promotion"]) {
      await expect(app.query(`select from cloudphoenix.${table}`)).rejects.toThrow("permission");
    }
    await expect(app.query("update cloudphoenix.site set role = 'active'")).rejects.toThrow(
      "permission",
    );
  });

  test("leaves the active site open and the standby closed to its application", async () => {
    pair = await Pair.make(servers, { application: "closed" });
    await pair.follow(4);
    expect(await pair.replication.control.inspect(SITE_A, soon())).toMatchObject({
      role: "active",
      generation: 4,
      writesOpen: true,
    });
    expect(await pair.replication.control.inspect(SITE_B, soon())).toMatchObject({
      role: "standby",
      generation: 4,
      writesOpen: false,
    });
    const app = await pair.client(SITE_B, "app");
    await expect(app.query("insert into orders (customer) values ('x')")).rejects.toMatchObject({
      code: "25006",
      message: "cloudphoenix: writes are closed at this site",
    });
  });

  test("again on a healthy pair changes nothing at all", async () => {
    pair = await Pair.make(servers, { application: "again" });
    await pair.follow(3);
    const before = [await world(SITE_A), await world(SITE_B)];
    const result = await pair.replication.setup(
      { from: SITE_A, to: SITE_B, generation: 1 },
      soon(),
    );
    expect(result).toEqual({ alreadyDone: true, schemaCopied: false, tables: 5 });
    expect([await world(SITE_A), await world(SITE_B)]).toEqual(before);
  });

  test("interrupted again and again, each time further on, is finished in the end", async () => {
    pair = await Pair.make(servers, { application: "resumed" });
    let crashAt = 8;
    for (let done = false; !done; crashAt += 9) {
      let statement = 0;
      const crashing = pair.another({
        beforeStatement: () => {
          statement += 1;
          if (statement === crashAt) throw new Error("the process died");
        },
      });
      done = await crashing.setup({ from: SITE_A, to: SITE_B, generation: 1 }, soon()).then(
        () => true,
        (error: unknown) => {
          expect(String(error)).toContain("the process died");
          return false;
        },
      );
      await crashing.close();
    }
    const app = await pair.client(SITE_A, "app");
    await app.query("insert into orders (customer) values ('x')");
    await until(async () => (await pair.ask(SITE_B, "select from orders")).length === 1);
  });

  test("takes up a table that was added at both sites", async () => {
    pair = await Pair.make(servers, { application: "grows" });
    await pair.follow();
    const table = "create table public.later (id int primary key)";
    await (await pair.client(SITE_B, "admin")).query(table);
    await (await pair.client(SITE_A, "admin")).query(`${table}; insert into later values (1)`);
    await pair.follow();
    expect(await pair.ask(SITE_B, "select id from later")).toEqual([{ id: 1 }]);
    const admin = await pair.client(SITE_B, "admin");
    await expect(admin.query("insert into later values (2)")).rejects.toMatchObject({
      code: "25006",
    });
  });

  test("wakes the standby for each next part of a copy, instead of leaving it to sleep", async () => {
    const woken = new Set<string>();
    pair = await Pair.make(servers, {
      application: "woken",
      beforeStatement: (site, statement) => {
        if (statement.includes("pg_logical_emit_message")) woken.add(site);
      },
    });
    await pair.follow();

    expect([...woken]).toEqual([SITE_A]);
  });

  test("stops when told to, and says how far it is until then", async () => {
    pair = await Pair.make(servers, { application: "aborted" });
    const stop = new AbortController();
    const seen: number[] = [];
    // Nothing arrives over a cut link, so the copy cannot complete.
    const setup = pair.replication.setup(
      {
        from: SITE_A,
        to: SITE_B,
        generation: 1,
        onProgress: (progress) => {
          servers.a.link.cut();
          seen.push(progress.tables);
          stop.abort();
        },
      },
      stop.signal,
    );
    await expect(setup).rejects.toMatchObject({ code: "ABORTED" });
    servers.a.link.mend();
    expect(seen.length).toBeGreaterThan(0);
    await pair.follow();
  });
});

describe("setting up replication is refused", () => {
  const KEYED = "create table public.t (id int primary key, v text)";

  test("with every reason at once and nothing changed", async () => {
    const schema = `${KEYED}; create table public.keyless (v text);
      create unlogged table public.hot (id int primary key); select lo_create(0);
      create materialized view public.summary as select 1 as one;
      create table public.parted (id int primary key) partition by range (id);
      create table public.secret (id int primary key); alter table public.secret enable row level security;
      create rule ignore as on delete to public.t do instead nothing;
      create type public.span as range (subtype = int4);
      create aggregate public.total (int) (sfunc = int4pl, stype = int)`;
    pair = await Pair.make(servers, { application: "everything", schema });
    const own = "create table public.own (id int primary key); insert into own values (1)";
    await (await pair.client(SITE_B, "admin")).query(own);
    const found = await problems();
    expect(found).toEqual([
      `unlogged-table ${SITE_A} public.hot`,
      `replica-identity ${SITE_A} public.keyless`,
      `large-objects ${SITE_A} large objects`,
      `unsupported-object ${SITE_A} public.total`,
      `unsupported-object ${SITE_A} public.summary`,
      `unsupported-object ${SITE_A} public.parted`,
      `unsupported-object ${SITE_A} public.span`,
      `unsupported-object ${SITE_A} ignore on public.t`,
      `unsupported-object ${SITE_A} public.secret`,
      ...found.filter((one) => one.startsWith("schema-asymmetric")),
      `target-not-empty ${SITE_B} public.own`,
    ]);
    expect(found).toContain(`schema-asymmetric ${SITE_B} table public.own is missing at ${SITE_A}`);
    const traces = await pair.ask(
      SITE_A,
      "select nspname from pg_namespace where nspname = 'cloudphoenix'",
    );
    expect(traces).toEqual([]);
  });

  test("if a replica identity is nothing, or names an index that went", async () => {
    const schema = `${KEYED}; alter table public.t replica identity nothing;
      create table public.full_row (v text); alter table public.full_row replica identity full;
      create table public.by_index (v text not null);
      create unique index by_v on public.by_index (v);
      alter table public.by_index replica identity using index by_v; drop index by_v;`;
    pair = await Pair.make(servers, { application: "identity", schema });
    expect(await problems()).toEqual([
      `replica-identity ${SITE_A} public.by_index`,
      `replica-identity ${SITE_A} public.t`,
    ]);
  });

  // PostgreSQL 18: "Replica identity must not contain unpublished generated columns."
  test("if a generated column is part of what identifies rows, because updates would be refused", async () => {
    const schema = `
      create table public.whole (id int primary key, twice int generated always as (id * 2) stored);
      alter table public.whole replica identity full;
      create table public.fine (id int primary key, twice int generated always as (id * 2) stored);
      create table public.keyed (id int, twice int generated always as (id * 2) stored not null, unique (twice));
      alter table public.keyed replica identity using index keyed_twice_key;`;
    pair = await Pair.make(servers, { application: "computed", schema });
    expect(await problems()).toEqual([
      `replica-identity ${SITE_A} public.keyed`,
      `replica-identity ${SITE_A} public.whole`,
    ]);

    const admin = await pair.client(SITE_A, "super");
    for (const table of ["whole", "keyed"]) {
      await admin.query(`create publication of_${table} for table ${table}`);
      await admin.query(`insert into ${table} values (1)`);
      const refusal = await failureOf(admin.query(`update ${table} set id = 2`));
      expect(refusal).toMatchObject({ detail: expect.stringContaining("unpublished generated") });
    }
  });

  test("if an extension cannot be had at the target, or an owner does not exist there", async () => {
    pair = await Pair.make(servers, { application: "extension", schema: KEYED });
    const admin = await pair.client(SITE_A, "super");
    await admin.query(`create extension pg_walinspect; create extension hstore schema public;
      create role only_here; grant only_here to cloudphoenix;
      alter table public.t owner to only_here`);
    const found = await problems();
    await admin.query("drop owned by only_here; drop role only_here");
    expect(found).toEqual([
      `extension-missing ${SITE_B} pg_walinspect`,
      `owner-missing ${SITE_B} only_here`,
    ]);
  });

  test("if the target has no tables but still what belonged to them", async () => {
    const schema = `create sequence public.numbers; create type public.mood as enum ('fine');
      create function public.one() returns int language sql as 'select 1';
      create table public.t (id int primary key default nextval('numbers'), mood public.mood)`;
    pair = await Pair.make(servers, { application: "left-over", schema });
    await (await pair.client(SITE_B, "admin")).query(`${schema}; drop table public.t`);
    expect(await problems()).toEqual([
      `target-not-empty ${SITE_B} public.mood`,
      `target-not-empty ${SITE_B} public.numbers`,
    ]);
  });

  test("if the tables belong to somebody we are no member of", async () => {
    pair = await Pair.make(servers, { application: "owner", schema: KEYED });
    await (await pair.client(SITE_A, "super")).query("alter table public.t owner to app");
    expect(await problems()).toContain(`not-the-owner ${SITE_A} public.t`);
  });

  test("if the target has the same tables in another form, column by column", async () => {
    const schema = "create table public.t (id int primary key, v text not null, w int default 1)";
    pair = await Pair.make(servers, { application: "asymmetric", schema });
    await (await pair.client(SITE_B, "admin")).query(
      "create table public.t (id bigint primary key, v text, x int)",
    );
    const refusal = pair.replication.setup({ from: SITE_A, to: SITE_B, generation: 1 }, soon());
    await expect(refusal).rejects.toThrow(`column id is "integer not null" at ${SITE_A} and`);
    expect(await problems()).toHaveLength(4);
  });

  test("if the sites have other roles than asked for", async () => {
    pair = await Pair.make(servers, { application: "turned", schema: KEYED });
    await pair.follow();
    await expect(
      pair.replication.setup({ from: SITE_B, to: SITE_A, generation: 1 }, soon()),
    ).rejects.toMatchObject({
      code: "CONFLICT",
      message: `site ${SITE_B} is standby at generation 1, not active; site ${SITE_A} is active at generation 1, not standby`,
    });
  });

  test("if a fence has begun meanwhile: gates stay closed, and no new table is published", async () => {
    pair = await Pair.make(servers, { application: "fenced-meanwhile", schema: KEYED });
    await pair.follow();
    for (const site of [SITE_A, SITE_B]) {
      await pair.ask(site, "set role cloudphoenix; create table public.later (id int primary key)");
    }
    const fence = await pair.client(SITE_A, "super");
    await fence.query("begin; update cloudphoenix.site set role = 'fenced', writes_open = false");
    const setup = failureOf(
      pair.replication.setup({ from: SITE_A, to: SITE_B, generation: 1 }, soon()),
    );
    await until(async () => {
      const waiting = await pair.ask(
        SITE_A,
        "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      );
      return waiting.length > 0;
    });
    await fence.query("alter table public.t enable trigger cloudphoenix_write_gate; commit");
    expect(await setup).toMatchObject({
      code: "CONFLICT",
      message: `site ${SITE_A} is fenced at generation 1, not active`,
    });
    expect(
      await pair.ask(SITE_A, "select tgenabled from pg_trigger where tgname like '%write_gate'"),
    ).toEqual([{ tgenabled: "O" }]);
    expect(
      await pair.ask(SITE_A, "select from pg_publication_tables where tablename = 'later'"),
    ).toEqual([]);
  });

  test("if the log that the standby needs is gone, with what to do and nothing changed", async () => {
    pair = await Pair.make(servers, { application: "log-gone", schema: KEYED });
    await pair.follow();
    await pair.ask(SITE_B, "alter subscription cloudphoenix_log_gone disable");
    await until(async () => {
      const dropped = await pair.ask(
        SITE_A,
        `select pg_drop_replication_slot(slot_name) from pg_replication_slots
         where database = current_database() and not active`,
      );
      return dropped.length > 0;
    });
    for (const site of [SITE_A, SITE_B]) {
      await pair.ask(site, "set role cloudphoenix; create table public.later (id int primary key)");
    }
    const before = [await world(SITE_A), await world(SITE_B)];
    const request = { from: SITE_A, to: SITE_B, generation: 1 };
    const detach = [
      "alter subscription cloudphoenix_log_gone disable",
      "alter subscription cloudphoenix_log_gone set (slot_name = none)",
      "drop subscription cloudphoenix_log_gone",
    ];
    const hint = `At ${SITE_B}: ${detach.join("; ")}; drop the application's schema and schema cloudphoenix there; then: cloudphoenix replicate setup`;

    expect((await pair.replication.forecast(request, soon())).problems).toEqual([
      expect.objectContaining({ rule: "log-removed", sentence: expect.stringContaining(hint) }),
    ]);
    await expect(pair.replication.setup(request, soon())).rejects.toMatchObject({
      code: "REPLICATION_BROKEN",
      hint: `${hint}.`,
    });
    expect([await world(SITE_A), await world(SITE_B)]).toEqual(before);

    for (const statement of [...detach, "drop schema public, cloudphoenix cascade"]) {
      await pair.ask(SITE_B, statement);
    }
    expect(await pair.replication.setup(request, soon())).toMatchObject({ alreadyDone: false });
  });

  test("if somebody else's standby is waited for already", async () => {
    pair = await Pair.make(servers, { application: "waiting", durability: "sync", schema: KEYED });
    const admin = await pair.client(SITE_A, "super");
    await admin.query("set synchronous_commit = local");
    await admin.query("alter system set synchronous_standby_names = 'ha_standby'");
    await admin.query("select pg_reload_conf()");
    await until(async () => {
      const [row] = await pair.ask(SITE_A, "show synchronous_standby_names");
      return JSON.stringify(row).includes("ha_standby");
    });
    expect(await problems()).toEqual([
      `synchronous-standby-names ${SITE_A} synchronous_standby_names`,
    ]);
    await admin.query("alter system reset synchronous_standby_names");
    await admin.query("select pg_reload_conf()");
  });
});

test("a server without logical log, slots and workers is refused, with all of it named", async () => {
  const small = await startTwoServers({
    wal_level: "replica",
    max_replication_slots: "1",
    max_logical_replication_workers: "1",
  });
  try {
    pair = await Pair.make(small, { application: "small", schema: "select 1" });
    expect(await problems()).toEqual(
      [SITE_A, SITE_B].flatMap((site) => [
        `wal-level ${site} wal_level`,
        `no-free-slot ${site} max_replication_slots`,
        `no-free-worker ${site} max_logical_replication_workers`,
      ]),
    );
    await pair.close();
  } finally {
    await small.remove();
  }
});
