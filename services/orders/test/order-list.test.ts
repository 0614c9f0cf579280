// Pages by key: nothing twice, nothing missed, whatever is placed meanwhile.
import type { RunningService } from "@cloudphoenix/chassis";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Answer, ask, DRAFT, openWorld, place, serve, type World } from "./orders-world.ts";

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

beforeEach(() => world.sql("truncate orders, idempotency_keys"));

async function placeMany(count: number, customer = DRAFT.customer): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    await place(service.url, `many-${number}-${Math.random()}`, { ...DRAFT, customer });
  }
}

interface Page {
  readonly orders: readonly { readonly id: string; readonly customer: string }[];
  readonly next: string | null;
}

async function page(query: string): Promise<Page> {
  const answer: Answer & { readonly body: unknown } = await ask(`${service.url}/orders?${query}`);
  expect(answer.status).toBe(200);
  return answer.body as unknown as Page;
}

test("all orders come once, newest first, in pages", async () => {
  await placeMany(7);
  const ids: string[] = [];
  let after: string | null = "";
  const sizes: number[] = [];
  while (after !== null) {
    const { orders, next }: Page = await page(`limit=3${after === "" ? "" : `&after=${after}`}`);
    ids.push(...orders.map(({ id }) => id));
    sizes.push(orders.length);
    after = next;
  }

  expect(sizes).toEqual([3, 3, 1]);
  const stored = await world.sql("select id::text as id from orders order by id desc");
  expect(ids).toEqual(stored.map(({ id }) => id));
});

test("a page that ends with the last order is the last page", async () => {
  await placeMany(3);

  expect((await page("limit=3")).next).toBeNull();
});

test("an order placed between two pages neither repeats nor hides any", async () => {
  await placeMany(4);
  const first = await page("limit=2");
  await placeMany(1);
  const second = await page(`limit=2&after=${first.next}`);

  const ids = [...first.orders, ...second.orders].map(({ id }) => BigInt(id));
  expect(new Set(ids).size).toBe(4);
  expect(ids).toEqual(ids.toSorted((one, other) => (one > other ? -1 : 1)));
});

test("only the orders of one customer, whose name may be anything", async () => {
  await placeMany(2, "Ada & co <1=1> 100%");
  await placeMany(3, "Eve");

  const { orders } = await page(`customer=${encodeURIComponent("Ada & co <1=1> 100%")}`);

  expect(orders.map(({ customer }) => customer)).toEqual(Array(2).fill("Ada & co <1=1> 100%"));
  expect((await page("customer=Nobody")).orders).toEqual([]);
});

test("pages are read by index, however many orders there are", async () => {
  await world.sql(`insert into orders (number, customer, items)
    select 'N-' || n, 'c' || n % 100, '[]' from generate_series(1, 20000) n`);
  await world.sql("analyze orders");

  const plans = await Promise.all(
    [
      "select * from orders o where o.id < 9000 order by o.id desc limit 21",
      "select * from orders o where o.id < 9000 and o.customer = 'c7' order by o.id desc limit 21",
    ].map((text) => world.sql(`explain ${text}`)),
  );

  for (const plan of plans) expect(JSON.stringify(plan)).not.toContain("Seq Scan");
});
