import type { Json } from "@cloudphoenix/core";
import { MemoryFactStore } from "@cloudphoenix/engine";
import { expect, test } from "vitest";
import { KeptSequences } from "../src/kept-sequences.ts";
import { failureOf } from "./fixture/failure.ts";
import { SITE_A, SITE_B } from "./fixture/pair.ts";

/** Counts what is written, and fails while it is away. */
class Store extends MemoryFactStore {
  puts = 0;
  away = false;

  override async put(key: string, value: Json): Promise<void> {
    if (this.away) throw new Error("the state database does not answer");
    this.puts += 1;
    await super.put(key, value);
  }
}

function sampled(values: Readonly<Record<string, bigint>>): ReadonlyMap<string, bigint> {
  return new Map(Object.entries(values));
}

test("the next leader knows how far the one before saw every sequence get, without losing precision", async () => {
  const store = new Store();
  const values = sampled({ "public.orders": 9_007_199_254_740_993n, "public.down": -20n });
  await new KeptSequences(store).keep(SITE_A, values);

  const next = new KeptSequences(store);
  expect(await next.recall(SITE_A)).toEqual(values);
  expect(await next.recall(SITE_B)).toEqual(new Map());
});

test("nothing is written while nothing moves", async () => {
  const store = new Store();
  const kept = new KeptSequences(store);
  await kept.keep(SITE_A, sampled({}));
  expect(store.puts).toBe(0);
  await kept.keep(SITE_A, sampled({ "public.orders": 1n }));
  await kept.keep(SITE_A, sampled({ "public.orders": 1n }));
  expect(store.puts).toBe(1);
  await kept.keep(SITE_A, sampled({ "public.orders": 2n }));
  expect(store.puts).toBe(2);
});

test("what could not be written is written the next time, although nothing moved since", async () => {
  const store = new Store();
  const kept = new KeptSequences(store);
  store.away = true;
  await failureOf(kept.keep(SITE_A, sampled({ "public.orders": 7n })));
  store.away = false;
  await kept.keep(SITE_A, sampled({ "public.orders": 7n }));

  expect(await kept.recall(SITE_A)).toEqual(sampled({ "public.orders": 7n }));
});

test("of more than a thousand sequences those that moved last are kept", async () => {
  const store = new Store();
  const kept = new KeptSequences(store);
  const many = new Map(Array.from({ length: 1_500 }, (_, n) => [`public.s${n}`, 1n] as const));
  await kept.keep(SITE_A, many);
  await kept.keep(SITE_A, new Map([...many, ["public.s3", 2n]]));

  const recalled = await kept.recall(SITE_A);
  expect(recalled.size).toBe(1_000);
  expect(recalled.get("public.s3")).toBe(2n);
});

test("a sequence that was dropped is forgotten, and a site that became active begins anew", async () => {
  const store = new Store();
  const kept = new KeptSequences(store);
  await kept.keep(SITE_A, sampled({ "public.gone": 5n, "public.orders": 5n }));
  await kept.keep(SITE_A, sampled({ "public.orders": 6n }));
  await kept.keep(SITE_B, sampled({ "public.orders": 9n }));

  expect(await kept.recall(SITE_A)).toEqual(sampled({ "public.orders": 6n }));
  expect(await kept.recall(SITE_B)).toEqual(sampled({ "public.orders": 9n }));
});
