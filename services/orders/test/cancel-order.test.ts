// Cancelling: once, only while nobody has fulfilled the order, and only where writes are open.
import type { RunningService } from "@cloudphoenix/chassis";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Answer,
  ask,
  CLOSE_WRITES,
  openWorld,
  OPEN_WRITES,
  place,
  serve,
  withClient,
  type World,
} from "./orders-world.ts";

let world: World;
let service: RunningService & { readonly url: string };

beforeAll(async () => {
  world = await openWorld();
  service = await serve(world);
});

afterAll(async () => {
  await service.drain();
  await world.close();
});

function cancel(id: unknown): Promise<Answer> {
  return ask(`${service.url}/orders/${String(id)}/cancel`, { method: "POST" });
}

async function placed(key: string): Promise<unknown> {
  return (await place(service.url, key)).body["id"];
}

test("a placed order is cancelled, and cancelling it again says the same", async () => {
  const id = await placed("to-cancel");

  const first = await cancel(id);
  const again = await cancel(id);

  expect([first.status, first.body["status"]]).toEqual([200, "cancelled"]);
  expect(again.body).toEqual(first.body);
  expect((await ask(`${service.url}/orders/${String(id)}`)).body["status"]).toBe("cancelled");
});

test.each(["fulfilled", "set_aside"])("an order that is %s stays so", async (status) => {
  const id = await placed(`is-${status}`);
  await world.sql("update orders set status = $2 where id = $1", [id, status]);

  const answer = await cancel(id);

  expect([answer.status, answer.body["code"]]).toEqual([409, "ORDER_NOT_CANCELLABLE"]);
  expect(answer.headers.get("retry-after")).toBeNull();
  expect((await ask(`${service.url}/orders/${String(id)}`)).body["status"]).toBe(status);
});

test("an order that is fulfilled while it is being cancelled stays fulfilled", async () => {
  const id = await placed("race");
  const answer = await withClient(world.server, "app", async (rival) => {
    await rival.query("begin");
    await rival.query("update orders set status = 'fulfilled' where id = $1", [id]);
    const cancelling = cancel(id);
    for (;;) {
      const waiting = await world.sql(
        "select 1 from pg_stat_activity where usename = 'app' and wait_event_type = 'Lock'",
      );
      if (waiting.length > 0) break;
    }
    await rival.query("commit");
    return cancelling;
  });

  expect([answer.status, answer.body["code"]]).toEqual([409, "ORDER_NOT_CANCELLABLE"]);
});

test("an order that does not exist, and an id that is none, are told apart", async () => {
  expect((await cancel("4611686018427387904")).body["code"]).toBe("ORDER_NOT_FOUND");
  expect((await cancel("x")).body["code"]).toBe("BAD_REQUEST");
});

test("where writes are closed nothing is cancelled, and clients are told to come back", async () => {
  const id = await placed("closed");
  await world.sql(CLOSE_WRITES);

  const answer = await cancel(id);
  await world.sql(OPEN_WRITES);

  expect([answer.status, answer.body["code"]]).toEqual([503, "READ_ONLY"]);
  expect(answer.headers.get("retry-after")).toBe("1");
  expect((await ask(`${service.url}/orders/${String(id)}`)).body["status"]).toBe("placed");
});

test("an answer that came back after the lease had ended is not an acknowledgement", async () => {
  const id = await placed("late-cancel");
  await world.sql(`create function cloudphoenix.lease_remaining_ms() returns integer
    language sql volatile as 'select 100'`);
  await world.sql(`create function stall() returns trigger language plpgsql as
      $$ begin perform pg_sleep(0.3); return new; end $$;
    create trigger stall before update on orders for each row execute function stall()`);
  const answer = await cancel(id);
  await world.sql("drop function stall cascade");
  await world.sql("drop function cloudphoenix.lease_remaining_ms");

  expect([answer.status, answer.body["code"]]).toEqual([503, "WRITE_UNCERTAIN"]);
});
