// The service on a real PostgreSQL: what happens once, what comes back, what is set aside.
import { FencedWrites } from "@cloudphoenix/chassis";
import { describe, expect, test } from "vitest";
import { OrderQueue } from "../src/order-queue.ts";
import { queueState } from "../src/queue-state.ts";
import { fulfilmentOfFile } from "./fulfilment-world.ts";

const fulfilment = fulfilmentOfFile();
const { run } = fulfilment;

function queue(): OrderQueue {
  return new OrderQueue(fulfilment.world.app, new FencedWrites(fulfilment.world.app));
}

async function settles(wanted: Record<string, number>): Promise<void> {
  await expect.poll(() => fulfilment.world.statuses(), { timeout: 20_000 }).toEqual(wanted);
}

test("three workers fulfil a thousand orders, each once", async () => {
  await fulfilment.world.place(1_000);
  await Promise.all([run(), run(), run()]);

  await settles({ fulfilled: 1_000 });

  const [counted] = await fulfilment.world.sql<{ count: number; attempts: number }>(
    `select count(*)::int as count, max(attempts) as attempts
     from public.orders join public.fulfilments on order_id = id`,
  );
  expect(counted).toEqual({ count: 1_000, attempts: 1 });
});

test("an order that can never be packed is set aside visibly, and the others go on", async () => {
  await fulfilment.world.place(2);
  await fulfilment.world.place(1, [{ sku: "b", quantity: 5_000 }]);
  await fulfilment.world.place(2);
  const { url } = await run();

  await settles({ fulfilled: 4, set_aside: 1 });

  const answer = await fetch(`${url}/set-aside`);
  expect(await answer.json()).toMatchObject({
    orders: [{ attempts: 1, reason: "5000 pieces do not fit into 20 parcels of 50" }],
  });
});

test("an order that was set aside gets another chance when a person says so", async () => {
  await fulfilment.world.place(1);
  let broken = true;
  const pack = (): readonly [] => {
    if (broken) throw new Error("the scales are broken");
    return [];
  };
  const { url } = await run({ ATTEMPTS_MAX: "2", BACKOFF_BASE_MS: "10" }, pack);
  await settles({ set_aside: 1 });

  broken = false;
  const [order] = await fulfilment.world.sql<{ id: string }>("select id::text from public.orders");
  const released = await fetch(`${url}/set-aside/${order?.id}/release`, { method: "POST" });

  expect(released.status).toBe(200);
  await settles({ fulfilled: 1 });
  const again = await fetch(`${url}/set-aside/${order?.id}/release`, { method: "POST" });
  expect(again.status).toBe(404);
});

test("a release of something that is no order id is refused by name", async () => {
  const { url } = await run();
  const answer = await fetch(`${url}/set-aside/x'--/release`, { method: "POST" });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ code: "BAD_REQUEST" });
});

describe("an order taken by a process that then died", () => {
  test("comes back when its time is over, and its attempts count", async () => {
    await fulfilment.world.place(1);
    expect(await queue().take(10, 1)).toMatchObject([{ attempts: 1 }]);

    await expect.poll(() => queue().take(10, 60_000)).toMatchObject([{ attempts: 2 }]);
    expect(await queue().take(10, 60_000)).toEqual([]);
  });

  test("and came to life again changes nothing that was decided meanwhile", async () => {
    await fulfilment.world.place(1);
    const [frozen] = await queue().take(1, 1);
    if (frozen === undefined) throw new Error("nothing was taken");
    let second: readonly unknown[] = [];
    await expect.poll(async () => (second = await queue().take(1, 60_000))).toHaveLength(1);

    const reason = "the frozen one gives up";
    expect(await queue().settle([{ kind: "set-aside", order: frozen, reason }])).toEqual(new Set());
    expect(await queue().settle([{ kind: "packed", order: frozen, parcels: [] }])).toEqual(
      new Set(),
    );

    expect(second).toMatchObject([{ attempts: 2 }]);
    expect(await fulfilment.world.statuses()).toEqual({ placed: 1 });
  });
});

test("an order cancelled while it is worked on stays cancelled and has no parcels", async () => {
  await fulfilment.world.place(1);
  const [order] = await queue().take(1, 60_000);
  if (order === undefined) throw new Error("nothing was taken");
  await fulfilment.world.sql("update public.orders set status = 'cancelled'");

  expect(await queue().settle([{ kind: "packed", order, parcels: [] }])).toEqual(new Set());

  expect(await fulfilment.world.statuses()).toEqual({ cancelled: 1 });
  expect(await fulfilment.world.sql("select 1 from public.fulfilments")).toEqual([]);
});

test("orders go on where they stood after the database has been restarted under load", async () => {
  await fulfilment.world.place(300);
  await run({ BATCH_SIZE: "5" });
  await expect
    .poll(async () => (await fulfilment.world.statuses())["fulfilled"] ?? 0)
    .toBeGreaterThan(10);

  await fulfilment.world.server.stop("immediate");
  await fulfilment.world.server.start();

  await expect
    .poll(() => fulfilment.world.statuses().catch(() => ({})), { timeout: 40_000 })
    .toEqual({ fulfilled: 300 });
  const [counted] = await fulfilment.world.sql<{ count: number }>(
    "select count(*)::int as count from public.fulfilments",
  );
  expect(counted?.count).toBe(300);
}, 60_000);

test("a site without the writer epoch takes nothing, and is not degraded for it", async () => {
  await fulfilment.world.sql(`
    create schema cloudphoenix
      create table site (site text, role text, generation bigint, writes_open boolean, durability text)`);
  await fulfilment.world.sql(
    "insert into cloudphoenix.site values ('azure', 'standby', 3, false, 'async')",
  );
  await fulfilment.world.sql("grant usage on schema cloudphoenix to app");
  await fulfilment.world.sql("grant select on cloudphoenix.site to app");
  try {
    await fulfilment.world.place(1);
    await fulfilment.world.sql("update public.orders set created_at = now() - interval '1 hour'");
    const { url } = await run();
    await expect
      .poll(async () => (await fetch(`${url}/metrics`)).text())
      .toContain('fulfilment_intake_open{site="aws-us-east-1"} 0');
    await expect
      .poll(async () => JSON.stringify(await (await fetch(`${url}/health`)).json()))
      .toContain('"name":"queue","status":"healthy"');
    expect(await fulfilment.world.statuses()).toEqual({ placed: 1 });

    await fulfilment.world.sql("update cloudphoenix.site set role = 'active', writes_open = true");
    await settles({ fulfilled: 1 });
  } finally {
    await fulfilment.world.sql("drop schema cloudphoenix cascade");
  }
});

test("orders that wait too long where they could be worked on make it degraded", async () => {
  await fulfilment.world.place(1);
  await fulfilment.world.sql("update public.orders set created_at = now() - interval '1 hour'");
  await fulfilment.world.sql(`create rule stuck as on update to public.orders do instead nothing`);
  try {
    const { url } = await run();
    await expect
      .poll(async () => JSON.stringify(await (await fetch(`${url}/health`)).json()))
      .toContain("the next order has been due for 36");
  } finally {
    await fulfilment.world.sql("drop rule stuck on public.orders");
  }
});

test("the queue is counted, with how long the next order has been due", async () => {
  await fulfilment.world.place(3);
  await fulfilment.world.sql("update public.orders set created_at = now() - interval '90 seconds'");

  const state = await queueState(fulfilment.world.app);

  expect(state).toMatchObject({ waiting: 3, setAside: 0 });
  expect(state.oldestDueSeconds).toBeGreaterThanOrEqual(90);
  await fulfilment.world.sql("update public.orders set not_before = now() + interval '1 hour'");
  const { url } = await run();
  await expect
    .poll(async () => (await fetch(`${url}/metrics`)).text())
    .toContain('fulfilment_orders_waiting{site="aws-us-east-1"} 3');
});

test("its role cannot change what was ordered, nor place or delete orders", async () => {
  await fulfilment.world.place(1);
  for (const text of [
    "update public.orders set items = '[]'",
    "insert into public.orders (number, customer, items) values ('x', 'x', '[]')",
    "delete from public.orders",
    "delete from public.fulfilments",
  ]) {
    const permissionDenied = { cause: { code: "42501" } };
    await expect(fulfilment.world.app.query({ text }), text).rejects.toMatchObject(
      permissionDenied,
    );
  }
});
