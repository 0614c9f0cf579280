import type { DurabilityMode } from "@cloudphoenix/core";
import type { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { parseLsn } from "../src/lsn.ts";
import { failureOf } from "./fixture/failure.ts";
import { Pair, SITE_A, SITE_B, soon } from "./fixture/pair.ts";
import { realClock } from "./fixture/real-clock.ts";
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

/** Writers that remember every order they were promised. */
class Load {
  readonly promised: string[] = [];
  readonly #writers: Promise<void>[] = [];
  #on = true;

  constructor(clients: readonly Client[], mode: DurabilityMode) {
    for (const client of clients) this.#writers.push(this.#write(client, mode));
  }

  /** Stops and waits for the writers; those of a dead server have failed by then. */
  async stop(): Promise<void> {
    this.#on = false;
    await Promise.all(this.#writers);
  }

  async #write(client: Client, mode: DurabilityMode): Promise<void> {
    try {
      while (this.#on) {
        const { rows } = await client.query<{ id: string }>(
          "insert into orders (customer) values ('load') returning id",
        );
        if (mode === "barrier") await this.#barrier(client);
        this.promised.push(rows[0]?.id ?? "");
      }
    } catch {
      // The server died: what was in flight was never promised.
    }
  }

  /** What an application does with durability `barrier`: ask until the standby has flushed it. */
  async #barrier(client: Client): Promise<void> {
    const mine = await client.query<{ lsn: string }>(
      "select pg_current_wal_insert_lsn()::text as lsn",
    );
    const lsn = parseLsn(mine.rows[0]?.lsn ?? "");
    for (;;) {
      const { rows } = await client.query<{ lsn: string | null }>(
        "select flush_lsn::text as lsn from pg_stat_replication where application_name like 'cloudphoenix%'",
      );
      const flushed = rows[0]?.lsn ?? null;
      if (flushed !== null && parseLsn(flushed) >= lsn) return;
    }
  }
}

/** Follows, writes for a while, loses site A with everything in flight, and moves to site B. */
async function loseSiteUnderLoad(mode: DurabilityMode) {
  pair = await Pair.make(servers, { application: `lost-${mode}`, durability: mode });
  await pair.follow();
  const { control, watch } = pair.replication;
  watch.start();
  servers.a.link.delayMs = 40;
  const clients = await Promise.all(Array.from({ length: 4 }, () => pair.client(SITE_A, "app")));
  const load = new Load(clients, mode);
  await until(async () => {
    const { appliedAtMs, lagBytes } = watch.facts(SITE_B);
    return load.promised.length > 60 && appliedAtMs !== null && lagBytes !== null;
  });
  servers.a.link.cut();
  // Every writer may have had one order under way: of more than those, one is of after the cut.
  const enough = load.promised.length + clients.length;
  if (mode === "async") await until(async () => load.promised.length > enough);
  await servers.a.local.killHard();
  const killedAtMs = realClock.now();
  await load.stop();

  const proof = await control.fence(SITE_A, 2, soon());
  const bound = await control.lossBound(SITE_A, SITE_B, soon());
  const promotion = await control.promote(SITE_B, SITE_A, 2, soon());
  const there = await pair.ask<{ id: string }>(SITE_B, "select id::text from orders");
  const arrived = new Set(there.map((row) => row.id));
  await control.openWrites(SITE_B, 2, soon());
  const missing = load.promised.filter((id) => !arrived.has(id));
  return { control, watch, load, proof, bound, promotion, arrived, missing, killedAtMs };
}

describe("losing the active site under load", () => {
  test("async: the loss is bounded at once, and named exactly when the site returns", async () => {
    const lost = await loseSiteUnderLoad("async");
    expect(lost.proof).toMatchObject({ degree: "unproven" });
    expect(lost.proof.detail).toContain(SITE_A);
    // Those of after the cut, and of what was on the link.
    expect(lost.missing.length).toBeGreaterThan(0);
    const { bound, promotion } = lost;
    expect(bound.appliedLsn).not.toBeNull();
    expect(parseLsn(promotion.appliedLsn ?? "")).toBeGreaterThanOrEqual(
      parseLsn(bound.appliedLsn ?? ""),
    );
    expect(bound.lastAliveAtMs).toBeLessThanOrEqual(lost.killedAtMs);
    expect(bound.completeUntilMs).toBeLessThanOrEqual(bound.lastAliveAtMs ?? 0);
    expect(bound.boundMs).toBeGreaterThanOrEqual(250);
    expect(BigInt(bound.boundBytes ?? "-1")).toBeGreaterThanOrEqual(0n);

    // What was bounded before the promotion is still told after it, heartbeats or not.
    const later = await lost.control.lossBound(SITE_A, SITE_B, soon());
    expect(later.appliedLsn).toBe(promotion.appliedLsn);
    expect(later.completeUntilMs).toBeLessThanOrEqual(lost.killedAtMs);

    // A default key works at once: the sequence is past everything the old site handed out.
    const app = await pair.client(SITE_B, "app");
    const made = await app.query("insert into orders (customer) values ('new') returning id");
    expect(made.rowCount).toBe(1);

    await servers.a.reopen({ default_transaction_read_only: "on" });
    await expect(
      lost.control.measureLoss(SITE_A, promotion.appliedLsn ?? "", soon()),
    ).rejects.toMatchObject({ code: "CONFLICT" });
    expect(await lost.control.fence(SITE_A, 2, soon())).toMatchObject({ degree: "confirmed" });
    const report = await lost.control.measureLoss(SITE_A, promotion.appliedLsn ?? "", soon());

    const kept = await pair.ask<{ id: string }>(SITE_A, "select id::text from orders");
    const truth = kept.map((row) => row.id).filter((id) => !lost.arrived.has(id));
    expect(Object.keys(report.keysByTable)).toEqual(["public.orders"]);
    expect(report.keysByTable["public.orders"]?.toSorted()).toEqual(truth.toSorted());
    expect(report.transactions).toBe(truth.length);
    expect(report.rowsByTable).toEqual({ "public.orders": truth.length });
    expect(report.truncated).toBe(false);
    expect(lost.missing.filter((id) => !truth.includes(id))).toEqual([]);
    expect(report.rpoMs).toBeGreaterThan(0);
    // Reading is repeatable and leaves nothing behind but the slot that keeps the log.
    expect(await lost.control.measureLoss(SITE_A, promotion.appliedLsn ?? "", soon())).toEqual(
      report,
    );
    const slots = await pair.ask(SITE_A, "select slot_name::text from pg_replication_slots");
    expect(slots).toEqual([{ slot_name: "cloudphoenix_lost_async_azure_westeurope" }]);
  });

  test.each<DurabilityMode>(["barrier", "sync"])(
    "%s: no acknowledged order is missing",
    async (mode) => {
      const lost = await loseSiteUnderLoad(mode);
      expect(lost.load.promised.length).toBeGreaterThan(60);
      expect(lost.missing).toEqual([]);
      expect(await lost.control.inspect(SITE_B, soon())).toMatchObject({
        role: "active",
        writesOpen: true,
        durability: "async",
      });
      // Nobody follows the new primary, and it does not wait for anybody.
      const app = await pair.client(SITE_B, "app");
      await app.query("insert into orders (customer) values ('new')");
      await until(async () => lost.watch.active === SITE_B);

      await servers.a.reopen();
      expect(await lost.control.fence(SITE_A, 2, soon())).toMatchObject({ degree: "confirmed" });
      const [names] = await pair.ask(SITE_A, "show synchronous_standby_names");
      expect(names).toEqual({ synchronous_standby_names: "" });
    },
  );
});

test("a planned move loses nothing and keeps the last number in sequence", async () => {
  pair = await Pair.make(servers, { application: "planned" });
  await pair.follow();
  const { control } = pair.replication;
  servers.a.link.delayMs = 20;
  const load = new Load([await pair.client(SITE_A, "app")], "async");
  await until(async () => load.promised.length > 30);
  await expect(control.drain(SITE_A, SITE_B, soon())).rejects.toMatchObject({ code: "CONFLICT" });
  expect(await control.fence(SITE_A, 2, soon())).toMatchObject({ degree: "confirmed" });
  await load.stop();
  const { lsn } = await control.drain(SITE_A, SITE_B, soon());
  expect(parseLsn(lsn)).toBeGreaterThan(0n);
  const promotion = await control.promote(SITE_B, SITE_A, 2, soon());
  await control.openWrites(SITE_B, 2, soon());
  const rows = "select id, number from orders order by id";
  expect(await pair.ask(SITE_B, rows)).toEqual(await pair.ask(SITE_A, rows));
  const [used] = await pair.ask<{ last: string }>(
    SITE_A,
    "select last_value as last from order_number_seq",
  );
  expect(promotion.sequences["public.order_number_seq"]).toBe(
    (BigInt(used?.last ?? "") + 10_000n).toString(),
  );
  const report = await control.measureLoss(SITE_A, promotion.appliedLsn ?? "", soon());
  expect(report).toMatchObject({ transactions: 0, rowsByTable: {}, rpoMs: 0 });
});

test("the fence of a site that waits for a silent standby neither hangs nor promises anything", async () => {
  pair = await Pair.make(servers, { application: "waits", durability: "sync" });
  await pair.follow();
  const { control } = pair.replication;
  const app = await pair.client(SITE_A, "app");
  await app.query("insert into orders (customer) values ('promised')");
  servers.a.link.cut();
  const waiting = app.query("insert into orders (customer) values ('not promised')");
  const refused = failureOf(waiting);
  await until(
    async () =>
      (await pair.ask(SITE_A, "select from pg_stat_activity where wait_event = 'SyncRep'")).length >
      0,
  );
  expect(await control.fence(SITE_A, 2, soon())).toMatchObject({ degree: "confirmed" });
  expect(String(await refused)).toContain("terminat");
  expect(await pair.ask(SITE_A, "show synchronous_standby_names")).toEqual([
    { synchronous_standby_names: "" },
  ]);
  servers.a.link.mend();
  await control.unfence(SITE_A, 2, soon());
  expect(await pair.ask(SITE_A, "show synchronous_standby_names")).toEqual([
    { synchronous_standby_names: "cloudphoenix_waits" },
  ]);
});
