// Somebody holds what an order or a receipt needs: nobody waits longer than he must.
import { Database, FencedWrites } from "@cloudphoenix/chassis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ReceiptQueue } from "../src/receipts/receipt-queue.ts";
import {
  ask,
  DRAFT,
  eventually,
  openWorld,
  serve,
  withClient,
  type World,
} from "./orders-world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

test("a receipt that somebody else holds is passed over at once, though it is the oldest", async () => {
  await world.sql(`insert into receipts (order_id, object_key, due_at)
    select n, 'receipts/' || n, now() - interval '1 hour' + n * interval '1 minute' from generate_series(1, 3) n`);
  const { port } = new URL(world.server.url("app"));
  const database = new Database({
    address: {
      host: "127.0.0.1",
      port: Number(port),
      user: "app",
      database: "app",
      sslMode: "disable",
    },
    password: { value: async () => "app-secret", invalidate: () => undefined },
    name: "test",
  });
  try {
    const queue = new ReceiptQueue(database, new FencedWrites(database));
    const taken = await withClient(world.server, "app", async (holder) => {
      await holder.query("begin");
      await holder.query("select 1 from receipts where order_id = 1 for update");
      return queue.take(10, 60_000);
    });
    expect(taken.map(({ orderId }) => orderId).toSorted()).toEqual(["2", "3"]);
  } finally {
    await database.close();
  }
});

test("the time a client gives ends the statement in the database, too, and stores nothing", async () => {
  const service = await serve(world, { DATABASE_STATEMENT_TIMEOUT_MS: "60000" });
  try {
    await withClient(world.server, "app", async (holder) => {
      await holder.query("begin");
      await holder.query("lock table orders in access exclusive mode");
      const answer = await ask(`${service.url}/orders`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "idempotency-key": "in-a-hurry",
          "x-request-timeout-ms": "200",
        },
        body: JSON.stringify(DRAFT),
      });
      expect(answer.status).toBe(504);
      // Without the deadline it would wait for a minute.
      await eventually(
        () =>
          world.sql(
            "select 1 from pg_stat_activity where usename = 'app' and wait_event_type = 'Lock'",
          ),
        (rows) => rows.length === 0,
      );
    });
    expect(await world.sql("select 1 from idempotency_keys where key = 'in-a-hurry'")).toEqual([]);
  } finally {
    await service.drain();
  }
});
