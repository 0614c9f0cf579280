import type { SiteId } from "@cloudphoenix/core";
import { describe, expect, test } from "vitest";
import { failureOf } from "./fixture/failure.ts";
import { SITE_A, SITE_B, soon } from "./fixture/pair.ts";
import { contents, type Parted, setStage, type Story } from "./fixture/parted.ts";
import { until } from "./fixture/until.ts";

const stage = setStage();

const SHOP_TABLES = ["orders", '"Order Items"', "counters"];

function parted(application: string, story: Story, more = {}): Promise<Parted> {
  return stage.part({ application, ...more }, story);
}

/** A follows B, both hold the same, and a change at B arrives. */
async function expectReunited(tables: readonly string[]): Promise<void> {
  const compared = await stage.pair.replication.salvage.compare(SITE_B, SITE_A, soon());
  expect(compared.tables.filter((table) => !table.equal)).toEqual([]);
  expect(compared.equal).toBe(true);
  expect(await contents(stage.pair, SITE_A, tables)).toEqual(
    await contents(stage.pair, SITE_B, tables),
  );
  expect(await stage.pair.replication.control.inspect(SITE_A, soon())).toMatchObject({
    role: "standby",
    writesOpen: false,
  });
}

const STORY: Story = {
  shared: `insert into orders (id, number, customer, note)
      select n, 'N' || n, 'c' || n, repeat(md5(n::text), 200) from generate_series(1, 20) n;
    insert into "Order Items" select n, 1, 'SKU-' || n from generate_series(1, 20) n;
    insert into counters select n, 'c' || n from generate_series(1, 5) n`,
  lost: [
    "insert into orders (id, number, customer) values (100, 'lost', 'x'), (101, 'lost-2', 'y')",
    "update orders set status = 'paid', customer = 'A' where id in (1, 2, 3)",
    "delete from orders where id in (4, 5)",
    "begin; delete from orders where id = 6; insert into orders (id, number) values (6, 'again'); commit",
    "update orders set id = 207 where id = 20 and false; insert into orders (id, number) values (8000, 'z')",
    "update counters set id = 50 where id = 5",
  ],
  later: `insert into orders (id, number, customer) values (100, 'other', 'z'), (300, 'later', 'w');
    update orders set customer = 'B' where id in (2, 8);
    delete from orders where id in (3, 9);
    update counters set id = 60 where id = 5; update counters set id = 51 where id = 4;
    update orders set number = 'swap' where id = 10; update orders set number = 'N10' where id = 1;
    insert into counters values (5, 'new five')`,
};

test.each([
  {
    type: "float8",
    value: "0.1::float8 + 0.2::float8",
    odd: "extra_float_digits = 0",
    bytesOf: "float8send",
  },
  {
    type: "interval",
    value: "'-1 days -02:03:04'::interval",
    odd: "IntervalStyle = 'sql_standard'",
    bytesOf: "interval_send",
  },
  {
    type: "bytea",
    value: "decode('00ff27', 'hex')",
    odd: "bytea_output = 'escape'",
    bytesOf: "byteasend",
  },
])(
  "a $type comes back, and is compared, exactly, although a database has $odd",
  async ({ type, value, odd, bytesOf }) => {
    const { request } = await parted(
      `prints_${type}`,
      {
        shared: `insert into kept values (1, ${value}, 'shared'), (2, ${value}, 'shared')`,
        lost: ["update kept set note = 'lost' where id = 1", "delete from kept where id = 2"],
        later: "",
      },
      { schema: `create table public.kept (id int primary key, v ${type}, note text)` },
    );
    const there = await stage.pair.client(SITE_B, "super");
    await there.query(`alter database ${stage.pair.database} set ${odd}`);
    const { salvage } = stage.pair.another();

    await salvage.rejoin(SITE_A, SITE_B, request, soon());

    const rows = `select id, encode(${bytesOf}(v), 'hex') as v, note from kept order by id`;
    expect(await stage.pair.ask(SITE_A, rows)).toEqual(await stage.pair.ask(SITE_B, rows));
    expect(await salvage.compare(SITE_B, SITE_A, soon())).toMatchObject({ equal: true });
  },
);

const SMALL = "create table public.counters (id int primary key, name text)";

const CRASH_STORY: Story = {
  shared: "insert into counters select n, 'shared' from generate_series(1, 10) n",
  lost: [
    "insert into counters values (20, 'lost')",
    "update counters set name = 'lost' where id < 3",
    "delete from counters where id = 10",
  ],
  later:
    "insert into counters values (20, 'later'), (21, 'later'); delete from counters where id = 9",
};

const TYPES_SCHEMA = `
  create type public.mood as enum ('good', 'it''s "odd"');
  create type public.point2 as (x int, y text);
  create table public.kinds (
    id uuid primary key, f float8, r real, n numeric, b bytea, j json, jb jsonb, a text[], m mood[],
    c point2, ts timestamptz, d date, i interval, bits bit varying, flag boolean, ch char(5),
    big text, tsr tstzrange, h inet, empty text, ndim int[], doubled text generated always as (ch || '!') stored);
  create table public.identities (id int generated always as identity primary key, name text);
  create table public.pairs (b text, a int, c date, v text, primary key (a, b, c));
  create table public.keyless (a int, b text);
  alter table public.keyless replica identity full;
  create table public.by_index (id int primary key, code text not null, v text);
  create unique index by_code on public.by_index (code);
  alter table public.by_index replica identity using index by_code;`;

const KINDS = (id: number, big: string): string => `
  ('00000000-0000-0000-0000-00000000000${id}', 'NaN', 1.1e-30, 123456789012345678901234567890.1200, '\\x00ff27',
   '{"b": 1,  "a": 1, "b": 2}', '{"x": "it''s"}', '{"a b",null,"c\\"d",""}', '{good,"it''s \\"odd\\""}',
   row(1, 'x,y "z"'), 'infinity', '-infinity', '1 mon -3 days 04:05:06.789', B'10110', true, 'ab ',
   ${big}, '[2020-01-01,)', '::1/64', '', '[0:1]={1,2}')`;

const TYPES_LATER = `
  insert into kinds values ${KINDS(1, "repeat(md5('x'), 4000)")}, ${KINDS(2, "null")};
  update kinds set flag = null where id::text like '%1';
  insert into identities (name) values ('one'), ('two');
  insert into pairs values ('it''s', 1, '2026-01-01', 'v'), ('', 2, '2026-01-01', null);
  insert into keyless values (1, 'x'), (1, 'x'), (2, null);
  insert into by_index values (1, 'a', 'v'), (2, 'b', 'v'); update by_index set id = 5 where id = 2;`;

const TYPES_LOST = [
  `insert into kinds values ${KINDS(1, "'other'")}, ${KINDS(3, "repeat(md5('y'), 4000)")}`,
  "insert into identities (name) values ('lost'), ('lost'), ('lost')",
  "insert into pairs values ('it''s', 1, '2026-01-01', 'lost'), ('lost', 1, '2026-01-01', '')",
  "insert into keyless values (1, 'x'), (3, 'lost')",
  "insert into by_index values (1, 'z', 'lost')",
];

describe("a site that parted and rejoins", () => {
  test("becomes what the other is, follows it, and forgets what it was", async () => {
    const { request } = await parted("reunion", STORY);
    const { salvage } = stage.pair.replication;
    const result = await salvage.rejoin(SITE_A, SITE_B, request, soon());
    expect(result).toMatchObject({
      tables: ['public."Order Items"', "public.counters", "public.orders"],
      fullCopyTables: [],
      alreadyDone: false,
    });
    // Orders 3, 9, 101 and 8000, the items of 3 and 9, counters 4 and 50.
    expect(result.deleted).toBe(8);
    await expectReunited(SHOP_TABLES);
    const there = await stage.pair.client(SITE_B, "app");
    await there.query("insert into orders (customer) values ('after')");
    await until(async () => {
      const arrived = await stage.pair.ask(SITE_A, "select from orders where customer = 'after'");
      return arrived.length === 1;
    });
    expect(await stage.pair.ask(SITE_A, "select from pg_replication_slots")).toEqual([]);
    expect(await stage.pair.ask(SITE_A, "select from cloudphoenix.promotion")).toEqual([]);
    const app = await stage.pair.client(SITE_A, "app");
    await expect(app.query("delete from orders")).rejects.toMatchObject({ code: "25006" });

    expect(await salvage.rejoin(SITE_A, SITE_B, request, soon())).toMatchObject({
      alreadyDone: true,
      deleted: 0,
      restored: 0,
    });
    const { setup } = { setup: { from: SITE_B, to: SITE_A, generation: 2 } };
    expect(await stage.pair.replication.setup(setup, soon())).toMatchObject({ alreadyDone: true });
  });

  test("needs no more rights than those of the tables' owner", async () => {
    const { request } = await parted("owner", STORY);
    const admin = await stage.pair.client(SITE_A, "super");
    await admin.query("revoke set on parameter session_replication_role from cloudphoenix");
    const before = await triggersAndKeys();
    try {
      await stage.pair.replication.salvage.rejoin(SITE_A, SITE_B, request, soon());
    } finally {
      await admin.query("grant set on parameter session_replication_role to cloudphoenix");
    }
    await expectReunited(SHOP_TABLES);
    expect(await triggersAndKeys()).toEqual(before);
  });

  test("has tables copied whole if single rows cannot be named: truncated, or without a key", async () => {
    const story = {
      shared: `insert into keyless select n, 'same' from generate_series(1, 3000) n;
        insert into counters select n from generate_series(1, 30) n`,
      lost: ["truncate counters", "insert into counters values (7, 'seven')"],
      later: "insert into counters values (31, 'new'); update keyless set b = 'x' where a < 5",
    };
    const schema = `${SMALL}; create table public.keyless (a int, b text);
      alter table public.keyless replica identity full`;
    const { request, appliedLsn } = await parted("whole", story, { schema });
    const { salvage } = stage.pair.replication;
    expect(await salvage.inspect(SITE_A, appliedLsn, soon())).toMatchObject({
      truncatesTables: ["public.counters"],
      fullCopyTables: ["public.counters"],
    });
    const result = await salvage.rejoin(SITE_A, SITE_B, request, soon());
    expect(result).toMatchObject({
      fullCopyTables: ["public.counters", "public.keyless"],
      tables: [],
    });
    await expectReunited(["counters", "keyless"]);
  });

  test("keeps values of every type exactly", async () => {
    const story = { lost: TYPES_LOST, later: TYPES_LATER };
    const { request } = await parted("types", story, { schema: TYPES_SCHEMA });
    const result = await stage.pair.replication.salvage.rejoin(SITE_A, SITE_B, request, soon());
    expect(result.fullCopyTables).toEqual(["public.keyless"]);
    await expectReunited(["kinds", "identities", "pairs", "keyless", "by_index"]);
  });

  test("rejoins after a switchover too, when nothing diverged, and back again", async () => {
    await stage.make({ application: "planned-home" });
    await stage.pair.follow();
    const { control, salvage } = stage.pair.replication;
    const move = async (from: SiteId, to: SiteId, generation: number): Promise<void> => {
      await control.fence(from, generation, soon());
      await control.drain(from, to, soon());
      const promotion = await control.promote(to, from, generation, soon());
      await control.openWrites(to, generation, soon());
      const app = await stage.pair.client(to, "app");
      await app.query("insert into orders (customer) values ('at ' || $1)", [to]);
      const { appliedLsn, reverseSlot } = promotion;
      expect(await salvage.inspect(from, appliedLsn ?? "", soon())).toMatchObject({
        transactions: 0,
        repairable: true,
      });
      await salvage.rejoin(from, to, { appliedLsn, reverseSlot, generation }, soon());
    };
    await move(SITE_A, SITE_B, 2);
    await move(SITE_B, SITE_A, 3);
    await move(SITE_A, SITE_B, 4);
    await expectReunited(["orders"]);
    expect(await stage.pair.ask(SITE_A, "select from orders")).toHaveLength(3);
  });
});

describe("a rejoin is refused", () => {
  test("for an older generation, at either site", async () => {
    const { request } = await parted("stale", {}, { schema: SMALL });
    const { salvage } = stage.pair.replication;
    const older = { ...request, generation: 1 };
    const refusal = failureOf(salvage.rejoin(SITE_A, SITE_B, older, soon()));
    expect(await refusal).toMatchObject({ code: "STALE_GENERATION" });
    await (await stage.pair.client(SITE_A, "super")).query(
      "update cloudphoenix.site set generation = 9",
    );
    await expect(salvage.rejoin(SITE_A, SITE_B, request, soon())).rejects.toMatchObject({
      code: "STALE_GENERATION",
    });
  });

  test("while the old primary takes writes, and towards a site that is not active", async () => {
    const { request, appliedLsn } = await parted("not-fenced", {}, { schema: SMALL });
    const { control, salvage } = stage.pair.replication;
    await expect(salvage.rejoin(SITE_B, SITE_A, request, soon())).rejects.toThrow(
      `site ${SITE_A} is not active`,
    );
    await control.unfence(SITE_A, 2, soon());
    await expect(salvage.rejoin(SITE_A, SITE_B, request, soon())).rejects.toMatchObject({
      code: "CONFLICT",
      message: `site ${SITE_A} is not fenced`,
    });
    await expect(salvage.inspect(SITE_A, appliedLsn, soon())).rejects.toMatchObject({
      code: "CONFLICT",
    });
    await expect(
      salvage.rows(SITE_A, appliedLsn, soon())[Symbol.asyncIterator]().next(),
    ).rejects.toMatchObject({ code: "CONFLICT" });
  });

  test("when either site has lost the log since they parted, naming the way out", async () => {
    const { request, appliedLsn } = await parted("log-gone", {}, { schema: SMALL });
    const { salvage } = stage.pair.replication;
    const there = await stage.pair.client(SITE_B, "super");
    await there.query("select pg_drop_replication_slot($1)", [request.reverseSlot]);
    const refusal = await failureOf(salvage.rejoin(SITE_A, SITE_B, request, soon()));
    expect(refusal).toMatchObject({ code: "REPLICATION_BROKEN" });
    expect(String(Object.entries(refusal))).toContain("cloudphoenix replicate setup");
    expect(await salvage.inspect(SITE_A, appliedLsn, soon())).toMatchObject({
      repairable: false,
      obstacles: [`site ${SITE_B} no longer keeps the log that ${SITE_A} has not read`],
    });
    const here = await stage.pair.client(SITE_A, "super");
    await here.query("select pg_drop_replication_slot(slot_name) from pg_replication_slots");
    await expect(salvage.inspect(SITE_A, appliedLsn, soon())).rejects.toMatchObject({
      code: "REPLICATION_BROKEN",
    });
    await expect(salvage.rejoin(SITE_A, SITE_B, request, soon())).rejects.toMatchObject({
      code: "REPLICATION_BROKEN",
    });
  });

  test("while the schemas differ, saying in what", async () => {
    const { request, appliedLsn } = await parted(
      "schemas",
      { later: "alter table counters add column more int" },
      { schema: SMALL },
    );
    const { salvage } = stage.pair.replication;
    await expect(salvage.rejoin(SITE_A, SITE_B, request, soon())).rejects.toThrow("more");
    const { repairable, obstacles } = await salvage.inspect(SITE_A, appliedLsn, soon());
    expect({ repairable, obstacles: obstacles.length }).toEqual({
      repairable: false,
      obstacles: 1,
    });
    const here = await stage.pair.client(SITE_A, "super");
    await here.query("alter table counters add column more int");
    await salvage.rejoin(SITE_A, SITE_B, request, soon());
    await expectReunited(["counters"]);
  });
});

/**
 * Tells, of one attempt, which statements are worth dying at. In a transaction that PostgreSQL
 * itself keeps from writing, dying at its first statement is dying at any of them; and so it is
 * where the next rows of a question are fetched.
 */
function worthDyingAt(): (site: SiteId, statement: string) => boolean {
  const reading = new Set<SiteId>();
  return (site, statement) => {
    const within = reading.has(site);
    if (statement === "begin isolation level repeatable read read only") reading.add(site);
    if (statement === "commit") reading.delete(site);
    return !within && !/^(fetch|close) /.test(statement);
  };
}

// Goal: wherever a rejoin is cut off, calling it again finishes it, and what diverged can be listed
// until then. Method: the first attempt dies at its first statement, the second at its second, …
test("a rejoin that dies between any two statements is finished by the next", async () => {
  const { request, appliedLsn } = await parted("dies", CRASH_STORY, { schema: SMALL });
  const truth = await stage.pair.replication.salvage.inspect(SITE_A, appliedLsn, soon());
  expect(truth.transactions).toBe(3);
  const state = { subscribed: false };
  const attempt = async (statements: number): Promise<unknown> => {
    let left = statements;
    let dead = false;
    const isWorth = worthDyingAt();
    const dying = stage.pair.another({
      beforeStatement: (site, statement) => {
        const worth = isWorth(site, statement);
        dead ||= worth && left === 0;
        if (dead) throw new Error("killed");
        if (worth) left -= 1;
        state.subscribed ||= statement.includes("create subscription");
      },
    });
    const result = await dying.salvage
      .rejoin(SITE_A, SITE_B, request, soon())
      .catch((error: Error) => error.message);
    await dying.close();
    return result;
  };
  let attempts = 0;
  for (; !state.subscribed; attempts += 1) {
    expect(await attempt(attempts)).toContain("killed");
    if (attempts % 7 !== 0) continue;
    expect(await stage.pair.replication.salvage.inspect(SITE_A, appliedLsn, soon())).toEqual(truth);
  }
  expect(attempts).toBeGreaterThan(50);
  const later = [await attempt(0)];
  while (typeof later.at(-1) === "string") later.push(await attempt(later.length));
  const [done, ...deaths] = later.toReversed();
  expect(done).toMatchObject({ alreadyDone: true });
  for (const death of deaths) expect(death).toContain("killed");
  await expectReunited(["counters"]);
}, 120_000);

async function triggersAndKeys(): Promise<unknown> {
  return stage.pair.ask(
    SITE_A,
    `select conrelid::regclass::text as on, conname::text as name, pg_get_constraintdef(oid) as state
     from pg_constraint where contype = 'f'
     union all select tgrelid::regclass::text, tgname::text, tgenabled::text from pg_trigger
     where not tgisinternal order by 1, 2`,
  );
}
