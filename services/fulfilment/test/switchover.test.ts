// The site hands over, or cannot say how its queue is, while orders are worked on and people ask.
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { fulfilmentOfFile } from "./fulfilment-world.ts";

const fulfilment = fulfilmentOfFile();
const { run } = fulfilment;

async function fulfilments(): Promise<number> {
  const [row] = await fulfilment.world.sql<{ count: number }>(
    "select count(*)::int as count from public.fulfilments",
  );
  return row?.count ?? 0;
}

describe("writes that close between taking a batch and settling it", () => {
  /** As adapters/postgres closes them. */
  const CLOSE = `
    create schema cloudphoenix;
    create function cloudphoenix.refuse() returns trigger language plpgsql as $$
      begin raise exception 'cloudphoenix: writes are closed' using errcode = '25006'; end $$;
    create table cloudphoenix.site (site text, role text, generation bigint, writes_open boolean, durability text);
    insert into cloudphoenix.site values ('aws', 'standby', 3, false, 'async');
    grant usage on schema cloudphoenix to app; grant select on cloudphoenix.site to app;
    create trigger fence before insert or update or delete on public.orders
      for each statement execute function cloudphoenix.refuse();
    create trigger fence before insert or update or delete on public.fulfilments
      for each statement execute function cloudphoenix.refuse()`;
  const OPEN = `
    drop trigger fence on public.orders; drop trigger fence on public.fulfilments;
    drop schema cloudphoenix cascade`;

  test("leave no trace of it; once they are open each of its orders is fulfilled, and once", async () => {
    await fulfilment.world.place(3);
    const taken = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    const pack = async (): Promise<readonly []> => {
      taken.resolve();
      await closed.promise;
      return [];
    };
    const { url } = await run({ HIDDEN_MS: "1000" }, pack);
    await taken.promise;
    await statements(CLOSE);
    try {
      closed.resolve();
      await expect
        .poll(async () => (await fetch(`${url}/metrics`)).text(), { timeout: 10_000 })
        .toContain('fulfilment_intake_open{site="aws-us-east-1"} 0');
      expect([await fulfilments(), await fulfilment.world.statuses()]).toEqual([0, { placed: 3 }]);
    } finally {
      await statements(OPEN);
    }
    await expect
      .poll(() => fulfilment.world.statuses(), { timeout: 20_000 })
      .toEqual({ fulfilled: 3 });
    expect(await fulfilments()).toBe(3);
  }, 40_000);
});

test("many who ask for the queue take one connection, so the service stays ready while it does not answer", async () => {
  const { url } = await run();
  await expect
    .poll(async () => (await fetch(`${url}/ready`)).status, { timeout: 10_000 })
    .toBe(200);

  const askForQueue = async (): Promise<number> => (await fetch(`${url}/queue`)).status;

  const seen = await whileLocked(async () => {
    await expect.poll(askForQueue, { timeout: 5_000 }).toBe(503);
    await pause(1_000); // until that answer is too old to be given again
    const asked = Array.from({ length: 80 }, askForQueue);
    const ready: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      await pause(100); // until the last answer is too old to be given again
      ready.push((await fetch(`${url}/ready`)).status);
    }
    return { ready, queue: await Promise.all(asked) };
  });

  // On a busy machine a look may be given up; with every connection taken all of them would be.
  expect(seen.ready.filter((status) => status === 200).length).toBeGreaterThan(2);
  expect(new Set(seen.queue)).toEqual(new Set([503]));
});

/** Runs several of them at once. */
async function statements(text: string): Promise<void> {
  await fulfilment.world.sql(`do $do$ begin execute $sql$ ${text} $sql$; end $do$`);
}

/** While nobody can read the orders. */
async function whileLocked<T>(work: () => Promise<T>): Promise<T> {
  return fulfilment.world.owner.withTransaction(async (holder) => {
    await holder.query({ text: "lock table public.orders in access exclusive mode" });
    return work();
  });
}
