import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { PostgresReplicationWatch } from "../src/index.ts";
import { Pair, SITE_A, SITE_B, soon } from "./fixture/pair.ts";
import { realClock } from "./fixture/real-clock.ts";
import { freePort } from "../../../packages/local-postgres/test/free-port.ts";
import { startTwoServers, type TwoServers } from "./fixture/two-servers.ts";
import { until } from "./fixture/until.ts";

let servers: TwoServers;
let pair: Pair;

beforeAll(async () => {
  servers = await startTwoServers();
});
afterAll(() => servers.remove());
afterEach(async () => {
  servers.a.link.mend();
  await servers.a.reopen();
  await pair.close();
});

async function watching(application: string): Promise<PostgresReplicationWatch> {
  pair = await Pair.make(servers, { application });
  await pair.follow();
  const { watch } = pair.replication;
  watch.start();
  await until(async () => watch.facts(SITE_B).state === "streaming");
  return watch;
}

test("before anything was seen, everything is unknown", async () => {
  pair = await Pair.make(servers, { application: "unseen" });
  const { watch } = pair.replication;
  expect(watch.facts(SITE_B)).toEqual({
    writtenAtMs: null,
    appliedAtMs: null,
    readAtMs: null,
    lagBytes: null,
    state: "unknown",
    detail: "the standby does not answer",
  });
  expect(watch.schemaComparison(SITE_B)).toBeNull();
});

test("a heartbeat travels from the active site to the standby, again and again", async () => {
  const watch = await watching("beats");
  const { appliedAtMs } = watch.facts(SITE_B);
  await until(async () => (watch.facts(SITE_B).appliedAtMs ?? 0) > (appliedAtMs ?? 0));
  // The standby may be heard of before the answer of the active site.
  await until(async () => {
    const facts = watch.facts(SITE_B);
    return (facts.writtenAtMs ?? 0) >= (facts.appliedAtMs ?? Number.NaN);
  });
  await expect.poll(() => watch.facts(SITE_B).state).toBe("streaming");
});

test("lag shows while the link is silent, and so does the moment the standby is cut off", async () => {
  const watch = await watching("lags");
  servers.a.link.cut();
  await until(async () => {
    const { writtenAtMs, appliedAtMs } = watch.facts(SITE_B);
    return (writtenAtMs ?? 0) - (appliedAtMs ?? 0) > 1_000;
  });
  await until(async () => (watch.facts(SITE_B).lagBytes ?? 0n) > 0n);
  const bound = await pair.replication.control.lossBound(SITE_A, SITE_B, soon());
  expect(bound.boundMs).toBeGreaterThan(1_000);
  expect(BigInt(bound.boundBytes ?? "0")).toBeGreaterThan(0n);
  await until(async () => watch.facts(SITE_B).state === "catching-up");
  expect(watch.facts(SITE_B).detail).toContain("not connected");
  servers.a.link.mend();
  await until(async () => watch.facts(SITE_B).state === "streaming");
});

test("a heartbeat of a clock that is ahead tells nothing of the loss", async () => {
  await watching("ahead");
  servers.a.link.cut();
  await pair.ask(SITE_B, "update cloudphoenix.heartbeat set at_ms = at_ms + 300000");
  const bound = await pair.replication.control.lossBound(SITE_A, SITE_B, soon());
  expect(bound).toMatchObject({ completeUntilMs: null, boundMs: null });
});

test("what a fenced site writes of its own is no loss, however long the standby is cut off", async () => {
  await watching("fenced");
  const { control } = pair.replication;
  servers.a.link.cut();
  expect(await control.fence(SITE_A, 2, soon())).toMatchObject({ degree: "confirmed" });
  const fencedAtMs = realClock.now();
  await until(async () => realClock.now() > fencedAtMs + 2_500);
  const bound = await control.lossBound(SITE_A, SITE_B, soon());
  expect(bound.lastAliveAtMs).toBeLessThan(fencedAtMs + 1_500);
  servers.a.link.mend();
});

test("a dead active site delays nothing that is known of the standby", async () => {
  const watch = await watching("dies");
  await servers.a.local.killHard();
  const killedAtMs = realClock.now();
  await until(async () => (watch.facts(SITE_B).readAtMs ?? 0) > killedAtMs + 1_500);
  const facts = watch.facts(SITE_B);
  expect(facts.writtenAtMs).toBeLessThanOrEqual(killedAtMs);
  // What was true when the site was last heard of still is: the standby was following.
  expect(facts.state).toBe("streaming");
});

test("a promoted standby becomes the active site once it opens, and the old one is not written to", async () => {
  const watch = await watching("moves");
  const { control } = pair.replication;
  await control.fence(SITE_A, 2, soon());
  await control.promote(SITE_B, SITE_A, 2, soon());
  await until(async () => watch.facts(SITE_B).detail.includes("no subscription"));
  // The move may yet be given up: what it had got is what it has.
  const { appliedAtMs } = watch.facts(SITE_B);
  const { completeUntilMs } = await control.lossBound(SITE_A, SITE_B, soon());
  expect({ active: watch.active, appliedAtMs }).toEqual({
    active: SITE_A,
    appliedAtMs: completeUntilMs,
  });

  await control.openWrites(SITE_B, 2, soon());
  await until(async () => watch.active === SITE_B);
  const promotedAtMs = realClock.now();
  const beat = "select at_ms::float8 as at, generation::int from cloudphoenix.heartbeat";
  await until(async () => {
    const [row] = await pair.ask<{ at: number; generation: number }>(SITE_B, beat);
    return (row?.at ?? 0) > promotedAtMs && row?.generation === 2;
  });
  const [old] = await pair.ask<{ at: number }>(SITE_A, beat);
  expect(old?.at).toBeLessThanOrEqual(promotedAtMs);
  await until(async () => watch.facts(SITE_A).detail.includes("no subscription"));
  expect(watch.facts(SITE_A).state).toBe("broken");
});

test("a change that cannot be applied is told from a connection that was lost", async () => {
  const watch = await watching("conflict");
  const admin = await pair.client(SITE_B, "super");
  await admin.query("set session_replication_role = replica");
  await admin.query("insert into counters (id, name) values (1, 'in the way')");
  await (await pair.client(SITE_A, "app")).query("insert into counters (name) values ('x')");
  await until(async () => watch.facts(SITE_B).state === "broken");
  expect(watch.facts(SITE_B).detail).toContain("cannot apply");
  await admin.query("delete from counters");
  await until(async () => watch.facts(SITE_B).state === "streaming");
});

test("a slot that went is broken, not slow", async () => {
  const watch = await watching("slotless");
  const admin = await pair.client(SITE_B, "super");
  await admin.query("alter subscription cloudphoenix_slotless disable");
  await until(async () => watch.facts(SITE_B).detail.includes("disabled"));
  const slot = "cloudphoenix_slotless_azure_westeurope";
  await until(async () => {
    const dropped = await pair.ask(
      SITE_A,
      `select pg_drop_replication_slot(slot_name) from pg_replication_slots
       where slot_name = '${slot}' and not active`,
    );
    return dropped.length === 1;
  });
  await admin.query("alter subscription cloudphoenix_slotless enable");
  await until(async () => watch.facts(SITE_B).detail.includes("no slot"));
  expect(watch.facts(SITE_B).state).toBe("broken");
});

test("schemas are compared, and a difference is named", async () => {
  pair = await Pair.make(servers, { application: "drifts" });
  await pair.follow();
  await (await pair.client(SITE_B, "admin")).query(
    "alter table counters add column extra int; drop index orders_open",
  );
  const { watch } = pair.replication;
  watch.start();
  await until(async () => watch.schemaComparison(SITE_B) !== null);
  expect(watch.schemaComparison(SITE_B)?.differences).toEqual([
    `table public.counters: column extra is missing at ${SITE_A}`,
    `index public.orders_open is missing at ${SITE_B}`,
  ]);
});

test("whether the standby is as it was compared shows while its writer is dead", async () => {
  pair = await Pair.make(servers, { application: "frozen_schema" });
  await pair.follow();
  const before = pair.replication.watch;
  before.start();
  await until(async () => before.schemaComparison(SITE_B) !== null);
  await before.stop();
  const compared = before.schemaComparison(SITE_B)?.standbyDigest;
  const nobody = await freePort();
  const alone = (): Promise<string | undefined> => digestSeenBy(nobody);

  expect(await alone()).toBe(compared);
  await (await pair.client(SITE_B, "admin")).query("alter table counters add column extra int");
  expect(await alone()).not.toBe(compared);
});

/** By a watch that finds nobody at site A. */
async function digestSeenBy(portOfA: number): Promise<string | undefined> {
  const { watch } = pair.another({
    adminPort: (site) => (site === SITE_A ? portOfA : pair.server(site).port),
  });
  watch.start();
  await until(async () => watch.standbySchema(SITE_B) !== null);
  await watch.stop();
  expect(watch.schemaComparison(SITE_B)).toBeNull();
  return watch.standbySchema(SITE_B)?.digest;
}

test("a comparison that is asked for during another one follows it at once", async () => {
  pair = await Pair.make(servers, { application: "again" });
  await pair.follow();
  let looks = 0;
  const { watch } = pair.another({
    beforeStatement: (site, statement) => {
      if (site !== SITE_B || !statement.includes("create schema if not exists %I")) return;
      looks += 1;
      if (looks === 1) watch.compareSoon();
    },
  });
  watch.start();
  await until(async () => looks > 1, 15_000);
  await watch.stop();
  expect(looks).toBe(2);
});

/** What another watch, which remembers nothing, finds out about the schemas. */
async function differences(): Promise<readonly string[]> {
  const { watch } = pair.another();
  watch.start();
  await until(async () => watch.schemaComparison(SITE_B) !== null);
  await watch.stop();
  return watch.schemaComparison(SITE_B)?.differences ?? [];
}

async function atBoth(statement: string): Promise<void> {
  for (const site of [SITE_A, SITE_B]) await pair.ask(site, statement);
}

test("a table that came after set-up is named at both sites until setting up again takes it up", async () => {
  pair = await Pair.make(servers, { application: "came-later", leased: true });
  await pair.follow();
  expect(await differences()).toEqual([]);
  await atBoth("set role cloudphoenix; create table public.later (id int primary key)");
  expect(await differences()).toEqual([
    `at ${SITE_A}, table public.later is not replicated: it is not published`,
    `at ${SITE_A}, table public.later has no gate that could refuse writes`,
    `at ${SITE_A}, table public.later does not ask for the lease`,
    `at ${SITE_B}, table public.later is not replicated: the site does not subscribe to it`,
    `at ${SITE_B}, table public.later has no gate that could refuse writes`,
    `at ${SITE_B}, table public.later does not ask for the lease`,
  ]);
  await pair.follow();
  expect(await differences()).toEqual([]);
});

test("what replication leaves behind is named, although it came after set-up", async () => {
  pair = await Pair.make(servers, { application: "left-behind" });
  await pair.follow();
  await atBoth("set role cloudphoenix; create unlogged table public.cache (id int primary key)");
  await atBoth("create table public.dba (id int primary key)");
  await pair.ask(SITE_A, "select lo_from_bytea(4242, '\\x01')");
  expect(await differences()).toEqual(
    expect.arrayContaining([
      `at ${SITE_A}, table public.cache is unlogged`,
      `at ${SITE_B}, table public.cache is unlogged`,
      `at ${SITE_A}, cloudphoenix is not (a member of) the owner of table public.dba`,
      `at ${SITE_B}, cloudphoenix is not (a member of) the owner of table public.dba`,
      `at ${SITE_A}, site ${SITE_A} holds 1 large objects, which replication leaves behind`,
    ]),
  );
});

test("a gate or a lease that somebody switched is named, and setting up again puts it right", async () => {
  pair = await Pair.make(servers, { application: "gates", leased: true });
  await pair.follow();
  // What a bulk load usually does: our gates are closed with all triggers that it enables.
  const admin = await pair.client(SITE_A, "admin");
  await admin.query("alter table orders disable trigger user");
  await admin.query("alter table orders enable trigger user");
  await (await pair.client(SITE_B, "admin")).query("alter table counters disable trigger user");
  expect(await differences()).toEqual([
    `at ${SITE_A}, table public.orders refuses writes although the site is open: its gate is closed`,
    `at ${SITE_B}, table public.counters takes writes although the site is a standby: its gate is open`,
    `at ${SITE_B}, table public.counters does not ask for the lease`,
  ]);
  await pair.follow();
  expect(await differences()).toEqual([]);
  await pair.grantLease(SITE_A, 1, 60_000);
  await (await pair.client(SITE_A, "app")).query("insert into orders (customer) values ('x')");
});

/** Resolves after another watch has seen several heartbeats come and go: time enough for any loop. */
async function severalBeats(): Promise<void> {
  const witness = pair.another().watch;
  witness.start();
  const seen = new Set<number | null>();
  await until(async () => seen.add(witness.facts(SITE_B).appliedAtMs).size > 4);
  await witness.stop();
}

test("no heartbeat is written at a standby, even if somebody takes it for the active site", async () => {
  const watch = await watching("mistaken");
  watch.setActive(SITE_B);
  await severalBeats();
  expect(watch.active).toBe(SITE_B);
  expect(watch.facts(SITE_A).writtenAtMs).toBeNull();
});

test("stopping ends every loop, and watching can start again", async () => {
  const watch = await watching("stops");
  await watch.stop();
  const { readAtMs } = watch.facts(SITE_B);
  await severalBeats();
  expect(watch.facts(SITE_B).readAtMs).toBe(readAtMs);
  watch.start();
  await until(async () => watch.facts(SITE_B).readAtMs !== readAtMs);
});
