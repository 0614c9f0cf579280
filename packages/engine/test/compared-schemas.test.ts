import {
  MemoryFactStore,
  type ReplicationWatch,
  type SchemaComparison,
  type StandbySchema,
} from "@cloudphoenix/engine";
import { VirtualClock } from "@cloudphoenix/testkit";
import { describe, expect, test } from "vitest";
import { ComparedSchemas } from "../src/replication/compared-schemas.ts";
import { A, B } from "./simulation.ts";

const PAIR = { active: A, standby: B };
const DIFFERENCE = "table public.orders: column note is missing";

/** A leader whose watch saw `seen` of the sites; what it keeps goes into `facts`. */
function leader(
  facts: MemoryFactStore,
  clock: VirtualClock,
  seen: SchemaComparison | null,
  standbyNow: StandbySchema | null = null,
): ComparedSchemas {
  const replication = {
    active: A,
    schemaComparison: () => seen,
    standbySchema: () => standbyNow,
  } as unknown as ReplicationWatch;
  return new ComparedSchemas({ clock, facts, replication });
}

function compared(atMs: number, differences: readonly string[]): SchemaComparison {
  return { atMs, standbyDigest: "as compared", differences };
}

test("a leader that cannot compare goes by what the one before it found, for ten minutes", async () => {
  const clock = new VirtualClock();
  const facts = new MemoryFactStore();
  await leader(facts, clock, compared(clock.now(), [DIFFERENCE])).keep(PAIR);

  const next = leader(facts, clock, null);
  expect(next.differences(PAIR, null)).toBeNull();
  await next.recall(PAIR);
  await clock.advance(600_000);
  expect(next.differences(PAIR, null)).toEqual([DIFFERENCE]);
  await clock.advance(1);
  expect(next.differences(PAIR, null)).toBeNull();
});

test("its own comparison counts before what was kept", async () => {
  const clock = new VirtualClock();
  const facts = new MemoryFactStore();
  await leader(facts, clock, compared(clock.now(), [DIFFERENCE])).keep(PAIR);

  const next = leader(facts, clock, compared(clock.now(), []));
  await next.recall(PAIR);
  expect(next.differences(PAIR, null)).toEqual([]);
});

test("what was compared while another site was active says nothing", async () => {
  const clock = new VirtualClock();
  const facts = new MemoryFactStore();
  const one = leader(facts, clock, compared(clock.now(), []));
  const turned = { active: B, standby: A };
  await one.keep(PAIR);
  await one.keep(turned);
  await one.recall(turned);

  expect(one.differences(turned, null)).toBeNull();
});

test("the same comparison is written once", async () => {
  const clock = new VirtualClock();
  const facts = new MemoryFactStore();
  const puts: string[] = [];
  const counted = Object.assign(Object.create(facts) as MemoryFactStore, {
    put: async (key: string) => void puts.push(key),
  });
  const one = leader(counted, clock, compared(clock.now(), []));
  await one.keep(PAIR);
  await one.keep(PAIR);

  expect(puts).toHaveLength(1);
});

test("one who leads again reads anew what another leader kept meanwhile", async () => {
  const clock = new VirtualClock();
  const facts = new MemoryFactStore();
  const first = leader(facts, clock, null);
  await first.recall(PAIR);
  await leader(facts, clock, compared(clock.now(), [])).keep(PAIR);
  first.forget();
  await first.recall(PAIR);

  expect(first.differences(PAIR, null)).toEqual([]);
});

test("a comparison from the future counts as none", async () => {
  const clock = new VirtualClock();
  const facts = new MemoryFactStore();
  await leader(facts, clock, compared(clock.now() + 60_000, [])).keep(PAIR);
  const next = leader(facts, clock, null);
  await next.recall(PAIR);

  expect(next.differences(PAIR, null)).toBeNull();
});

function same(atMs: number): StandbySchema {
  return { atMs, digest: "as compared" };
}

/** Compared five minutes before the lease ended; now it is a day later. */
async function dayLater(
  standbyNow: (nowMs: number) => StandbySchema | null,
  beforeEndMs = 300_000,
): Promise<{ readonly next: ComparedSchemas; readonly leaseEndedAtMs: number }> {
  const clock = new VirtualClock();
  const facts = new MemoryFactStore();
  await leader(facts, clock, compared(clock.now(), [DIFFERENCE])).keep(PAIR);
  await clock.advance(beforeEndMs);
  const leaseEndedAtMs = clock.now();
  await clock.advance(86_400_000);
  const next = leader(facts, clock, null, standbyNow(clock.now()));
  await next.recall(PAIR);
  return { next, leaseEndedAtMs };
}

describe("where the active site is dead for longer than a comparison lasts", () => {
  test("it counts on if its lease ended soon enough and the standby is as it was", async () => {
    const { next, leaseEndedAtMs } = await dayLater(same);
    expect(next.differences(PAIR, leaseEndedAtMs)).toEqual([DIFFERENCE]);
  });

  test("it counts no more where nobody knows that the lease ended", async () => {
    const { next } = await dayLater(same);
    expect(next.differences(PAIR, null)).toBeNull();
  });

  test("it counts no more if the site lived on for longer than a comparison lasts", async () => {
    const { next, leaseEndedAtMs } = await dayLater(same, 600_001);
    expect(next.differences(PAIR, leaseEndedAtMs)).toBeNull();
  });

  test.each<[string, (nowMs: number) => StandbySchema | null]>([
    ["has another schema now", (atMs) => ({ atMs, digest: "other" })],
    ["was not read lately", (nowMs) => same(nowMs - 120_001)],
    ["was never read", () => null],
  ])("it counts no more if the standby %s", async (_, standbyNow) => {
    const { next, leaseEndedAtMs } = await dayLater(standbyNow);
    expect(next.differences(PAIR, leaseEndedAtMs)).toBeNull();
  });
});
