import { CloudPhoenixError } from "@cloudphoenix/core";
import { MemoryFactStore } from "@cloudphoenix/engine";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
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

async function following(application: string, more = {}): Promise<Pair> {
  pair = await Pair.make(servers, { application, ...more });
  await pair.follow();
  return pair;
}

/** One table, so that many pairs are made quickly. */
const SMALL = "create table public.counters (id serial primary key, name text)";

/** What a promotion leaves behind at the new primary. */
async function traces(): Promise<unknown> {
  const [row] = await pair.ask(
    SITE_B,
    `select (select count(*)::int from pg_subscription s join pg_database d on d.oid = s.subdbid
         where d.datname = current_database()) as subscriptions,
       (select array_agg(slot_name::text) from pg_replication_slots
         where database = current_database()) as slots,
       (select count(*)::int from pg_publication_tables) as published,
       (select count(*)::int from cloudphoenix.promotion where completed_at is not null) as done,
       (select row_to_json(s.*) from (select role, generation, writes_open, durability
         from cloudphoenix.site) s) as site`,
  );
  return row;
}

function promoted(application: string, generation = 2): object {
  return {
    subscriptions: 0,
    slots: [`cloudphoenix_${application}_aws_us_east_1`],
    published: 5,
    done: 1,
    site: { role: "active", generation, writes_open: false, durability: "async" },
  };
}

describe("a promotion", () => {
  test("detaches, prepares the way back before any write, and stays closed", async () => {
    const { control } = (await following("detaches")).replication;
    await control.fence(SITE_A, 2, soon());
    const promotion = await control.promote(SITE_B, SITE_A, 2, soon());
    expect(promotion).toMatchObject({
      site: SITE_B,
      reverseSlot: "cloudphoenix_detaches_aws_us_east_1",
      alreadyDone: false,
    });
    expect(promotion.appliedLsn).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
    expect(await traces()).toEqual(promoted("detaches"));
    const app = await pair.client(SITE_B, "app");
    await expect(app.query("insert into orders (customer) values ('x')")).rejects.toMatchObject({
      code: "25006",
    });
  });

  test("keeps keys unique: owned, defaulted and free-standing sequences all moved on", async () => {
    const { control, watch } = (await following("keys")).replication;
    const app = await pair.client(SITE_A, "app");
    await app.query("insert into orders (customer) select 'c' || n from generate_series(1, 50) n");
    await app.query("insert into counters (name) select 'c' from generate_series(1, 7)");
    await app.query("select nextval('order_number_seq') from generate_series(1, 500)");
    watch.start();
    await until(async () => {
      const sampled = await pair.ask<{ v: string }>(
        SITE_B,
        "select last_value as v from cloudphoenix.sequence_sample where sequence = 'public.order_number_seq'",
      );
      return sampled[0]?.v === "1549";
    });
    await watch.stop();
    await control.fence(SITE_A, 2, soon());
    const { sequences } = await control.promote(SITE_B, SITE_A, 2, soon());
    expect(sequences).toEqual({
      "public.counters_id_seq": "10007",
      "public.order_number_seq": "11549",
      "public.orders_id_seq": "10050",
    });
    await control.openWrites(SITE_B, 2, soon());
    const there = await pair.client(SITE_B, "app");
    const { rows } = await there.query(
      "insert into orders (customer) values ('new') returning id::int, number",
    );
    expect(rows).toEqual([{ id: 10_051, number: "S-11550" }]);
    await there.query("insert into counters (name) values ('new')");
  });

  test("by a leader that never saw the lost site starts past what the one before saw of it", async () => {
    const facts = new MemoryFactStore();
    const { watch } = (await following("kept", { facts })).replication;
    const app = await pair.client(SITE_A, "app");
    servers.a.link.cut();
    try {
      // Far more than the headroom, and none of it reaches the standby.
      await app.query("select nextval('order_number_seq') from generate_series(1, 30000)");
      watch.start();
      await until(async () => {
        const kept = await facts.get(`sampled-sequences:${SITE_A}`);
        return JSON.stringify(kept) === '{"public.order_number_seq":"30999"}';
      });
      await watch.stop();
      const { sequences } = await pair
        .another({ facts })
        .control.promote(SITE_B, SITE_A, 2, soon());
      expect(sequences).toMatchObject({ "public.order_number_seq": "40999" });
    } finally {
      servers.a.link.mend();
    }
  });

  test("does not begin while nobody can say how far the lost site had got", async () => {
    const away = new CloudPhoenixError("STATE_UNAVAILABLE", "it does not answer", {
      retryable: true,
    });
    const facts = { put: () => Promise.reject(away), get: () => Promise.reject(away) };
    const { control } = (await following("unknown", { schema: SMALL, facts })).replication;
    expect(await failureOf(control.promote(SITE_B, SITE_A, 2, soon()))).toBe(away);
    expect(await control.inspect(SITE_B, soon())).toMatchObject({ role: "standby", generation: 1 });
  });

  test("repeated gives the same answer and changes nothing", async () => {
    const { control } = (await following("repeated")).replication;
    await control.fence(SITE_A, 2, soon());
    const first = await control.promote(SITE_B, SITE_A, 2, soon());
    const before = await traces();
    expect(await control.promote(SITE_B, SITE_A, 2, soon())).toEqual({
      ...first,
      alreadyDone: true,
    });
    expect(await traces()).toEqual(before);
    await control.openWrites(SITE_B, 2, soon());
    expect(await control.promote(SITE_B, SITE_A, 3, soon())).toEqual({
      ...first,
      alreadyDone: true,
    });
    expect(await control.inspect(SITE_B, soon())).toMatchObject({
      role: "active",
      generation: 3,
      writesOpen: true,
    });
  });

  test("is finished by the next call wherever the first one died", async () => {
    // The process dies before the n-th statement that changes something, for every n there is.
    const changes = /^(?!select (?!pg_(create|drop|reload|terminate)|setval)|with|begin|commit)/i;
    let total = 1;
    for (let dies = 1; dies <= total; dies += 1) {
      const application = `dies-${dies}`;
      await following(application, { schema: SMALL });
      await pair.replication.control.fence(SITE_A, 2, soon());
      let seen = 0;
      const dying = pair.another({
        beforeStatement: (_, statement) => {
          if (!changes.test(statement.trim())) return;
          seen += 1;
          if (seen === dies) throw new Error("the process died");
        },
      });
      await expect(dying.control.promote(SITE_B, SITE_A, 2, soon())).rejects.toThrow("died");
      const recorded = await pair.ask<{ lsn: string; sequences: unknown }>(
        SITE_B,
        "select applied_lsn::text as lsn, sequences from cloudphoenix.promotion",
      );
      const promotion = await pair.replication.control.promote(SITE_B, SITE_A, 2, soon());
      for (const { lsn, sequences } of recorded) {
        expect(promotion).toMatchObject({ appliedLsn: lsn, sequences });
      }
      expect(promotion.appliedLsn).not.toBeNull();
      expect(await traces(), `died before change ${dies}`).toEqual({
        ...promoted(application.replace("-", "_")),
        published: 3,
      });
      if (dies === 1) total = await changesOfOnePromotion(changes);
      await pair.close();
    }
    expect(total).toBeGreaterThan(7);
  }, 120_000);

  test("begun by an older run is finished by a newer one, with what the older one recorded", async () => {
    await following("newer");
    const dying = pair.another({
      beforeStatement: (_, statement) => {
        if (statement.startsWith("drop subscription")) throw new Error("the process died");
      },
    });
    await pair.replication.control.fence(SITE_A, 2, soon());
    await expect(dying.control.promote(SITE_B, SITE_A, 2, soon())).rejects.toThrow("died");
    const promotion = await pair.replication.control.promote(SITE_B, SITE_A, 7, soon());
    expect(promotion.appliedLsn).not.toBeNull();
    expect(await traces()).toEqual(promoted("newer", 7));
  });

  test("drops a slot that an earlier cycle left behind, and makes its own", async () => {
    await following("left-over");
    const slot = "cloudphoenix_left_over_aws_us_east_1";
    await pair.ask(SITE_B, `select pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
    const position = `select confirmed_flush_lsn::text as lsn from pg_replication_slots where slot_name = '${slot}'`;
    const [old] = await pair.ask<{ lsn: string }>(SITE_B, position);
    await (await pair.client(SITE_A, "app")).query("insert into counters (name) values ('x')");
    await until(async () => (await pair.ask(SITE_B, "select from counters")).length === 1);
    await pair.replication.control.promote(SITE_B, SITE_A, 2, soon());
    const [made] = await pair.ask<{ lsn: string }>(SITE_B, position);
    expect(made?.lsn).not.toBe(old?.lsn);
  });

  test("ends an apply worker that hangs on a lock", async () => {
    await following("hangs", { limits: { applyStopMs: 1_000 } });
    const holder = await pair.client(SITE_B, "super");
    await holder.query("begin; lock table counters in access exclusive mode");
    const app = await pair.client(SITE_A, "app");
    await app.query("insert into counters (name) values ('stuck')");
    await until(async () => {
      const waiting = await pair.ask(SITE_B, "select from pg_locks where not granted");
      return waiting.length > 0;
    });
    // Sequence values are read from the tables, so whoever locks one must be gone by then.
    const promotion = pair.replication.control.promote(SITE_B, SITE_A, 2, soon());
    await until(
      async () =>
        (await pair.ask(SITE_B, "select from pg_stat_subscription where pid is not null"))
          .length === 0,
    );
    await holder.query("rollback");
    await promotion;
    expect(await pair.ask(SITE_B, "select from counters")).toEqual([]);
  });
});

describe("a promotion is refused", () => {
  test("without a subscription, and of a site that never was a standby", async () => {
    const { control } = (await following("without")).replication;
    const refused = { code: "PROMOTION_REFUSED", retryable: false };
    await expect(control.promote(SITE_A, SITE_B, 2, soon())).rejects.toMatchObject(refused);
    const admin = await pair.client(SITE_B, "super");
    await admin.query("alter subscription cloudphoenix_without disable");
    await admin.query("alter subscription cloudphoenix_without set (slot_name = none)");
    await admin.query("drop subscription cloudphoenix_without");
    await expect(control.promote(SITE_B, SITE_A, 2, soon())).rejects.toMatchObject(refused);
    expect(await control.inspect(SITE_B, soon())).toMatchObject({ role: "standby" });
  });

  test("before the initial copy is complete, naming the tables", async () => {
    pair = await Pair.make(servers, { application: "copying" });
    const { control } = pair.replication;
    const app = await pair.client(SITE_A, "app");
    await app.query("insert into counters (name) values ('x')");
    // A row that is there already makes the copy of this table fail for ever.
    const stop = new AbortController();
    const traps: Promise<unknown>[] = [];
    const setTrap = async (): Promise<void> => {
      const admin = await pair.client(SITE_B, "super");
      await admin.query("set session_replication_role = replica; insert into counters values (1)");
    };
    const trap = pair.another({
      beforeStatement: (site, statement) => {
        if (site === SITE_B && statement.startsWith("create subscription")) traps.push(setTrap());
      },
    });
    const setup = trap.setup({ from: SITE_A, to: SITE_B, generation: 1 }, stop.signal);
    const ended = failureOf(setup);
    await until(async () => {
      const left = await pair.ask<{ n: number }>(
        SITE_B,
        "select count(*)::int as n from pg_subscription_rel where srsubstate = 'r'",
      );
      return left[0]?.n === 4;
    });
    await Promise.all(traps);
    const refusal = await failureOf(control.promote(SITE_B, SITE_A, 2, soon()));
    expect(refusal).toMatchObject({ code: "PROMOTION_REFUSED" });
    expect(refusal.message).toContain("public.counters");
    expect(await control.inspect(SITE_B, soon())).toMatchObject({ role: "standby" });
    stop.abort();
    expect(await ended).toMatchObject({ code: "ABORTED" });
  });

  test.each([
    ["never-copied", "set role cloudphoenix; create table public.late (id int primary key)"],
    ["unlogged", "set role cloudphoenix; create unlogged table public.late (id int primary key)"],
    ["dba", "create table public.late (id int primary key)"],
  ])(
    "because of a table that came after set-up, before anything is changed: %s",
    async (name, table) => {
      const { control } = (await following(`late-${name}`)).replication;
      for (const site of [SITE_A, SITE_B]) await pair.ask(site, table);
      const refusal = await failureOf(control.promote(SITE_B, SITE_A, 2, soon()));
      expect(refusal).toMatchObject({ code: "PROMOTION_REFUSED", retryable: false });
      expect(refusal.message).toContain("public.late");
      expect(await pair.ask(SITE_B, "select subenabled from pg_subscription")).toContainEqual({
        subenabled: true,
      });
      // The way out for who can do without the table.
      await pair.ask(SITE_B, "drop table public.late");
      expect(await control.promote(SITE_B, SITE_A, 2, soon())).toMatchObject({ site: SITE_B });
    },
  );

  test("for a site that was fenced after it had been promoted: others may have moved on", async () => {
    const { control } = (await following("fenced")).replication;
    await control.promote(SITE_B, SITE_A, 2, soon());
    await control.fence(SITE_B, 3, soon());
    await expect(control.promote(SITE_B, SITE_A, 4, soon())).rejects.toMatchObject({
      code: "PROMOTION_REFUSED",
    });
    expect(await control.inspect(SITE_B, soon())).toMatchObject({
      role: "fenced",
      writesOpen: false,
    });
  });
});

async function changesOfOnePromotion(changes: RegExp): Promise<number> {
  await pair.close();
  await following("counted", { schema: SMALL });
  let count = 0;
  const counting = pair.another({
    beforeStatement: (_, statement) => {
      if (changes.test(statement.trim())) count += 1;
    },
  });
  await counting.control.promote(SITE_B, SITE_A, 2, soon());
  return count;
}
