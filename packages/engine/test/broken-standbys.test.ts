import type { Json, ReplicationFacts } from "@cloudphoenix/core";
import { MemoryFactStore, type ReplicationWatch } from "@cloudphoenix/engine";
import {
  simulatedPorts,
  simulatedReplicationWatch,
  simulatedStores,
  SimulatedWorld,
  VirtualClock,
} from "@cloudphoenix/testkit";
import { expect, test } from "vitest";
import { StandbyWatch } from "../src/loops/standby-watch.ts";
import { BrokenStandbys } from "../src/replication/broken-standbys.ts";
import { A, B } from "./simulation.ts";

const PAIR = { active: A, standby: B };
const LOST_LOG = "the active site has removed log the standby still needs";

/** What a leader's watch says; change it as the world changes. */
class Seen {
  readonly clock: VirtualClock = new VirtualClock();
  readonly store: MemoryFactStore = new MemoryFactStore();
  facts: ReplicationFacts = {
    writtenAtMs: null,
    appliedAtMs: this.clock.now(),
    readAtMs: null,
    lagBytes: null,
    state: "unknown",
    detail: "the active site was never asked",
  };
  puts = 0;

  is(state: ReplicationFacts["state"], detail: string = state): void {
    this.facts = { ...this.facts, state, detail };
  }

  applied(): void {
    this.facts = { ...this.facts, appliedAtMs: this.clock.now() };
  }

  leader(active = A): BrokenStandbys {
    const replication = { active, facts: () => this.facts } as unknown as ReplicationWatch;
    const facts = {
      get: (key: string) => this.store.get(key),
      put: (key: string, value: Json) => {
        this.puts += 1;
        return this.store.put(key, value);
      },
    };
    return new BrokenStandbys({ clock: this.clock, facts, replication });
  }
}

/** The standby was seen broken by a leader that is gone, and the active site died with that leader. */
async function leftBroken(): Promise<{ readonly seen: Seen; readonly next: BrokenStandbys }> {
  const seen = new Seen();
  seen.is("broken", LOST_LOG);
  await seen.leader().keep(PAIR);
  seen.is("unknown", "the active site was never asked");
  const next = seen.leader();
  await next.recall(PAIR);
  return { seen, next };
}

test("a standby that the leader before saw broken is broken for one that has nothing to compare with", async () => {
  const { seen, next } = await leftBroken();
  await seen.clock.advance(3_600_000);

  expect(next.facts(PAIR)).toMatchObject({
    state: "broken",
    detail: `${LOST_LOG} (seen 60.0 min ago, and no heartbeat was applied since)`,
  });
});

test("it is broken no more once it has applied a heartbeat that was written later", async () => {
  const { seen, next } = await leftBroken();
  await seen.clock.advance(1);
  seen.applied();

  expect(next.facts(PAIR)).toEqual(seen.facts);
});

test("a connection that looks well again ends nothing as long as nothing gets through", async () => {
  const { seen, next } = await leftBroken();
  seen.is("streaming");
  await next.keep(PAIR);

  expect(next.facts(PAIR).state).toBe("broken");
});

test("what is seen of it now counts before what was kept", async () => {
  const { seen, next } = await leftBroken();
  seen.is("broken", "the standby has no subscription");

  expect(next.facts(PAIR)).toEqual(seen.facts);
});

test("one that breaks again after it was mended is kept again", async () => {
  const { seen, next } = await leftBroken();
  await seen.clock.advance(60_000);
  seen.applied();
  await seen.clock.advance(1_000);
  seen.is("broken", LOST_LOG);
  await next.keep(PAIR);
  seen.is("unknown");
  const third = seen.leader();
  await third.recall(PAIR);

  expect(third.facts(PAIR).state).toBe("broken");
});

test("the same is written once, and nothing while nothing is broken", async () => {
  const seen = new Seen();
  const leader = seen.leader();
  await leader.keep(PAIR);
  seen.is("broken", LOST_LOG);
  await leader.keep(PAIR);
  await seen.clock.advance(5_000);
  await leader.keep(PAIR);

  expect(seen.puts).toBe(1);
});

test("the former standby of a site that was left says nothing about the one that stands by now", async () => {
  const { seen } = await leftBroken();
  const turned = { active: B, standby: A };
  const next = seen.leader(B);
  await next.recall(turned);

  expect(next.facts(turned).state).toBe("unknown");
});

test("what a clock from the future saw counts as nothing", async () => {
  const seen = new Seen();
  await seen.store.put(`broken-standby:${A}:${B}`, {
    atMs: seen.clock.now() + 60_000,
    detail: LOST_LOG,
  });
  const next = seen.leader();
  await next.recall(PAIR);

  expect(next.facts(PAIR).state).toBe("unknown");
});

test("who watches standbys keeps what breaks for the next, who finds it before the first decision", async () => {
  const clock = new VirtualClock();
  const world = new SimulatedWorld(clock);
  const stores = simulatedStores();
  const watch = (state: "broken" | "unknown"): StandbyWatch => {
    const real = simulatedReplicationWatch(world);
    const facts = (site: string): ReplicationFacts => ({
      ...real.facts(site),
      state,
      appliedAtMs: 0,
    });
    return new StandbyWatch({
      ...simulatedPorts(world, stores),
      ...stores,
      replication: { ...real, active: A, facts },
      fencers: [],
    });
  };
  const refreshed = watch("broken").refresh(A, new AbortController().signal);
  await clock.advance(500);
  await refreshed;
  const next = watch("unknown");
  await next.recall(A);

  expect(next.facts(A)[0]?.replication.state).toBe("broken");
});
