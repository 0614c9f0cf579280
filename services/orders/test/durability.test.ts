import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { endOfRecord, parseLsn } from "../src/lsn.ts";
import type { RunningService } from "@cloudphoenix/chassis";
import {
  ask,
  eventually,
  openWorld,
  place,
  serve,
  withClient,
  type World,
} from "./orders-world.ts";

const SUBSCRIPTION = "cloudphoenix_shop";

let world: World;
let service: RunningService & { readonly url: string };

// The standby is a second database of the same server that follows by real logical replication.
beforeAll(async () => {
  world = await openWorld({
    settings: { wal_level: "logical", wal_receiver_status_interval: "1s" },
  });
  await withClient(world.server, "postgres", async (client) => {
    await client.query("create database standby");
  });
  await onStandby(`
    create table orders (id bigint primary key, number text, customer text, items jsonb, note text,
      created_at timestamptz, status text, status_changed_at timestamptz, attempts int,
      not_before timestamptz, set_aside_reason text);
    create table idempotency_keys (key text primary key, request_hash text, order_id bigint,
      created_at timestamptz);`);
  await world.sql(`create publication pub for table orders, idempotency_keys`);
  await world.sql(`select pg_create_logical_replication_slot('${SUBSCRIPTION}', 'pgoutput')`);
  const url = new URL(world.server.url("app"));
  // `local` and not `on`: with `sync` this server would otherwise wait for itself.
  // Within one server the slot must exist before, or creating the subscription waits for itself.
  await onStandby(`create subscription ${SUBSCRIPTION}
    connection 'host=${url.hostname} port=${url.port} dbname=app user=${url.username} password=super-secret'
    publication pub with (create_slot = false, copy_data = false, synchronous_commit = local)`);
  service = await serve(world, {
    BARRIER_TIMEOUT_MS: "700",
    DATABASE_STATEMENT_TIMEOUT_MS: "700",
  });
});

afterEach(async () => {
  await setDurability("async");
  await onStandby(`alter subscription ${SUBSCRIPTION} enable`);
});

afterAll(async () => {
  await service.drain();
  await onStandby(`alter subscription ${SUBSCRIPTION} disable`);
  await onStandby(`alter subscription ${SUBSCRIPTION} set (slot_name = none)`);
  await onStandby(`drop subscription ${SUBSCRIPTION}`);
  await world.close();
});

describe("durability barrier", () => {
  test("acknowledges only what the standby holds, under load", async () => {
    // Patient: on a busy machine the standby may be behind for a while.
    const patient = await serve(world, {
      BARRIER_TIMEOUT_MS: "20000",
      DATABASE_STATEMENT_TIMEOUT_MS: "20000",
      ANSWER_TIMEOUT_MS: "25000",
    });
    onTestFinished(() => patient.drain());
    await setDurability("barrier");
    await untilPlaced("barrier-warm");

    for (let round = 0; round < 20; round += 1) {
      const keys = Array.from({ length: 10 }, (_, n) => `barrier-${round}-${n}`);
      const answers = await Promise.all(keys.map((key) => place(patient.url, key)));
      // Read at once: an acknowledgement that came too early would show as a missing row.
      const held = await onStandby("select key from idempotency_keys where key = any($1)", [keys]);
      expect(answers.map((answer) => answer.status)).toEqual(keys.map(() => 201));
      expect(held).toHaveLength(keys.length);
    }
  });

  test("answers 504 while the standby is away; the order exists, and a replay waits too", async () => {
    await setDurability("barrier");
    await untilPlaced("away-warm");
    await detachStandby();

    const unsafe = await place(service.url, "away");
    expect([unsafe.status, unsafe.body["code"]]).toEqual([504, "DURABILITY_UNKNOWN"]);
    expect((await ask(`${service.url}/orders?key=away`)).status).toBe(200);
    const replay = await place(service.url, "away");
    expect([replay.status, replay.body["code"]]).toEqual([504, "DURABILITY_UNKNOWN"]);

    await onStandby(`alter subscription ${SUBSCRIPTION} enable`);
    const safe = await untilPlaced("away");
    expect(safe.headers.get("idempotency-replayed")).toBe("true");
    const held = await onStandby("select key from idempotency_keys where key = 'away'");
    expect(held).toHaveLength(1);
  });

  test("does not count a follower of another name", async () => {
    const strict = await serve(world, {
      BARRIER_STANDBY: "somebody_else",
      BARRIER_TIMEOUT_MS: "200",
    });
    await setDurability("barrier");
    try {
      expect((await place(strict.url, "other-name")).body["code"]).toBe("DURABILITY_UNKNOWN");
    } finally {
      await strict.drain();
    }
  });

  test("acknowledges at once in async mode though the standby is away", async () => {
    await detachStandby();

    expect((await place(service.url, "async-away")).status).toBe(201);
  });
});

describe("synchronous replication", () => {
  afterEach(async () => {
    await world.sql("alter system reset synchronous_standby_names");
    await world.sql("select pg_reload_conf()");
  });

  test("does not acknowledge a commit whose wait for the standby was cut short", async () => {
    await setDurability("sync");
    await detachStandby();
    await world.sql(`alter system set synchronous_standby_names = '${SUBSCRIPTION}'`);
    await world.sql("select pg_reload_conf()");

    // The service cancels the wait; PostgreSQL then reports success with a warning.
    const unsafe = await untilStatus("cut", 504);
    expect(unsafe.body["code"]).toBe("DURABILITY_UNKNOWN");
    const replay = await place(service.url, "cut");
    expect(replay.body["code"]).toBe("DURABILITY_UNKNOWN");
    // Sessions that wait for ever would take every connection, the controller's too.
    await eventually(
      () => world.sql("select pid from pg_stat_activity where wait_event = 'SyncRep'"),
      (stuck) => stuck.length === 0,
    );

    await onStandby(`alter subscription ${SUBSCRIPTION} enable`);
    expect((await untilPlaced("cut")).status).toBe(200);
  });
});

describe("log positions", () => {
  test("are read as 64-bit numbers", () => {
    expect(parseLsn("16/B374D848")).toBe(0x16b374d848n);
    expect(parseLsn("FFFFFFFF/FFFFFFFF")).toBe(2n ** 64n - 1n);
    expect(() => parseLsn("16-B3")).toThrow("not a log position");
    expect(() => parseLsn("")).toThrow("not a log position");
  });

  test("behind a page header count as the end of the page before", () => {
    expect(endOfRecord(8192n * 5n + 24n)).toBe(8192n * 5n);
    expect(endOfRecord(8192n * 5n + 32n)).toBe(8192n * 5n + 32n);
    expect(endOfRecord(8192n * 5n)).toBe(8192n * 5n);
  });

  // Goal: the rule above is what PostgreSQL does. Method: pad the log with messages until a
  // record ends exactly at the end of a page, then compare both positions.
  test("of a record that ends with its page are a header apart on a real server", async () => {
    await withClient(world.server, "app", async (client) => {
      for (;;) {
        const [row] = (
          await client.query<{ inserted: string; ended: string }>(`
            with message as materialized (select pg_logical_emit_message(false, 'pad', repeat('x', (random() * 64)::int)) as ended)
            select ended::text, pg_current_wal_insert_lsn()::text as inserted from message`)
        ).rows;
        const [inserted, ended] = [parseLsn(row?.inserted ?? ""), parseLsn(row?.ended ?? "")];
        if (ended % 8192n !== 0n || inserted === ended) continue;
        expect(endOfRecord(inserted)).toBe(ended);
        return;
      }
    });
  });
});

async function setDurability(mode: string): Promise<void> {
  await world.sql("update cloudphoenix.site set durability = $1", [mode]);
}

function onStandby(text: string, values?: unknown[]): Promise<Record<string, unknown>[]> {
  return withClient(world.server, "standby", async (client) => {
    const result = await client.query<Record<string, unknown>>(text, values);
    return result.rows;
  });
}

/** Stops following and waits until the server knows. */
async function detachStandby(): Promise<void> {
  await onStandby(`alter subscription ${SUBSCRIPTION} disable`);
  for (;;) {
    const slots = await world.sql("select 1 from pg_replication_slots where active");
    if (slots.length === 0) return;
  }
}

async function untilPlaced(key: string): Promise<Awaited<ReturnType<typeof place>>> {
  for (;;) {
    const answer = await place(service.url, key);
    if (answer.status < 300) return answer;
  }
}

async function untilStatus(
  key: string,
  status: number,
): Promise<Awaited<ReturnType<typeof place>>> {
  for (;;) {
    const answer = await place(service.url, key);
    if (answer.status === status) return answer;
  }
}
