import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunningService } from "@cloudphoenix/chassis";
import { ask, eventually, openWorld, place, serve, type World } from "./orders-world.ts";

let world: World;
let service: RunningService & { readonly url: string };

beforeAll(async () => {
  world = await openWorld();
  await lease("null");
  service = await serve(world);
});

afterAll(async () => {
  await service.drain();
  await world.close();
});

/** What the database says of its lease from now on, milliseconds. */
async function lease(remaining: string): Promise<void> {
  await world.sql(`create or replace function cloudphoenix.lease_remaining_ms() returns int
    language sql volatile as 'select ${remaining}::int'`);
}

async function traffic(): Promise<number> {
  return (await ask(`${service.url}/traffic`)).status;
}

/** The report of a healthy service. A busy machine may make it look slow for a while. */
async function untilHealthy(): Promise<Record<string, unknown>> {
  const { body } = await eventually(
    () => ask(`${service.url}/health`),
    (answer) => answer.status === 200 && answer.body["status"] === "healthy",
  );
  return body;
}

test("without a lease in force, and with one that lasts, orders are taken and users are welcome", async () => {
  for (const remaining of ["null", "60000"]) {
    await lease(remaining);
    expect((await place(service.url, `lease-${remaining}`)).status).toBe(201);
    expect(await traffic()).toBe(200);
  }
});

test("a lapsed lease closes writes: health says why, and traffic managers send nobody", async () => {
  await lease("0");
  const health = await eventually(
    () => ask(`${service.url}/health`),
    // On a busy machine the database may not have answered in time, which is unhealthy as well.
    (answer) => answer.status === 503 && answer.body["role"] === "active",
  );
  expect(health.body).toMatchObject({ status: "unhealthy", role: "active", writesOpen: false });
  expect(health.body["dependencies"]).toContainEqual(
    expect.objectContaining({ name: "writer-lease", status: "unhealthy" }),
  );
  expect(await traffic()).toBe(503);
  // Reads go on.
  expect((await ask(`${service.url}/ready`)).status).toBe(200);

  await lease("60000");
  await eventually(traffic, (status) => status === 200);
});

test("a new primary that is not open yet needs no lease to be healthy", async () => {
  await lease("0");
  await world.sql("update cloudphoenix.site set writes_open = false");
  await eventually(traffic, (status) => status === 503);
  const health = await untilHealthy();
  expect(health).toMatchObject({ role: "active", writesOpen: false });
  await world.sql("update cloudphoenix.site set writes_open = true");
  await lease("60000");
  await eventually(traffic, (status) => status === 200);
});

test("a standby is healthy and takes no users", async () => {
  await world.sql("update cloudphoenix.site set role = 'standby', writes_open = false");
  await eventually(traffic, (status) => status === 503);
  expect(await untilHealthy()).toMatchObject({ role: "standby", writesOpen: false });
  await world.sql("update cloudphoenix.site set role = 'active', writes_open = true");
  await eventually(traffic, (status) => status === 200);
});

test("an answer that took longer than the lease that came with it is not an acknowledgement", async () => {
  await lease("100");
  await world.sql(`create function stall() returns trigger language plpgsql as
      $$ begin perform pg_sleep(0.3); return new; end $$;
    create trigger stall before insert on orders for each row execute function stall()`);
  const answer = await place(service.url, "late");
  await world.sql("drop function stall cascade");

  expect(answer.status).toBe(503);
  expect(answer.headers.get("retry-after")).toBe("1");
  expect(answer.body).toMatchObject({ code: "WRITE_UNCERTAIN", status: 503 });

  // It is stored; the retry finds out whether it stayed.
  await lease("60000");
  const retry = await place(service.url, "late");
  expect(retry.status).toBe(200);
  expect(retry.headers.get("idempotency-replayed")).toBe("true");
});

test("a lease that is set up under a running service counts from the next order on", async () => {
  await world.sql("drop function cloudphoenix.lease_remaining_ms");
  const burst = Array.from({ length: 20 }, (_, index) => place(service.url, `unleased-${index}`));
  expect(new Set((await Promise.all(burst)).map(({ status }) => status))).toEqual(new Set([201]));

  await lease("-1");
  const late = await eventually(
    () => place(service.url, `leased-${Math.random()}`),
    (answer) => answer.status === 503,
  );
  // The second where the site's watch saw the lease before an order did.
  expect(["WRITE_UNCERTAIN", "READ_ONLY"]).toContain(late.body["code"]);
});
