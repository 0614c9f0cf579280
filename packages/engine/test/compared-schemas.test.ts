import {
  MemoryFactStore,
  type ReplicationWatch,
  type SchemaComparison,
} from "@cloudphoenix/engine";
import { VirtualClock } from "@cloudphoenix/testkit";
import { expect, test } from "vitest";
import { ComparedSchemas } from "../src/replication/compared-schemas.ts";
import { A, B } from "./simulation.ts";

const PAIR = { active: A, standby: B };
const DIFFERENCE = "table public.orders: column note is missing";

/** A leader whose watch saw `seen` of the sites; what it keeps goes into `facts`. */
function leader(
  facts: MemoryFactStore,
  clock: VirtualClock,
  seen: SchemaComparison | null,
): ComparedSchemas {
  const replication = { active: A, schemaComparison: () => seen } as unknown as ReplicationWatch;
  return new ComparedSchemas({ clock, facts, replication });
}

test("a leader that cannot compare goes by what the one before it found, for ten minutes", async () => {
  const clock = new VirtualClock();
  const facts = new MemoryFactStore();
  await leader(facts, clock, { atMs: clock.now(), differences: [DIFFERENCE] }).keep(PAIR);

  const next = leader(facts, clock, null);
  expect(next.differences(PAIR)).toBeNull();
  await next.recall(PAIR);
  await clock.advance(600_000);
  expect(next.differences(PAIR)).toEqual([DIFFERENCE]);
  await clock.advance(1);
  expect(next.differences(PAIR)).toBeNull();
});

test("its own comparison counts before what was kept", async () => {
  const clock = new VirtualClock();
  const facts = new MemoryFactStore();
  await leader(facts, clock, { atMs: clock.now(), differences: [DIFFERENCE] }).keep(PAIR);

  const next = leader(facts, clock, { atMs: clock.now(), differences: [] });
  await next.recall(PAIR);
  expect(next.differences(PAIR)).toEqual([]);
});

test("what was compared while another site was active says nothing", async () => {
  const clock = new VirtualClock();
  const facts = new MemoryFactStore();
  const one = leader(facts, clock, { atMs: clock.now(), differences: [] });
  const turned = { active: B, standby: A };
  await one.keep(PAIR);
  await one.keep(turned);
  await one.recall(turned);

  expect(one.differences(turned)).toBeNull();
});

test("the same comparison is written once", async () => {
  const clock = new VirtualClock();
  const facts = new MemoryFactStore();
  const puts: string[] = [];
  const counted = Object.assign(Object.create(facts) as MemoryFactStore, {
    put: async (key: string) => void puts.push(key),
  });
  const one = leader(counted, clock, { atMs: clock.now(), differences: [] });
  await one.keep(PAIR);
  await one.keep(PAIR);

  expect(puts).toHaveLength(1);
});

test("one who leads again reads anew what another leader kept meanwhile", async () => {
  const clock = new VirtualClock();
  const facts = new MemoryFactStore();
  const first = leader(facts, clock, null);
  await first.recall(PAIR);
  await leader(facts, clock, { atMs: clock.now(), differences: [] }).keep(PAIR);
  first.forget();
  await first.recall(PAIR);

  expect(first.differences(PAIR)).toEqual([]);
});

test("a comparison from the future counts as none", async () => {
  const clock = new VirtualClock();
  const facts = new MemoryFactStore();
  await leader(facts, clock, { atMs: clock.now() + 60_000, differences: [] }).keep(PAIR);
  const next = leader(facts, clock, null);
  await next.recall(PAIR);

  expect(next.differences(PAIR)).toBeNull();
});
