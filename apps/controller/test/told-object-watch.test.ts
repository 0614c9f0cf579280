import type { Json } from "@cloudphoenix/core";
import { objectReplicationKey, type ObjectReplicationFacts } from "@cloudphoenix/objects";
import { SIMULATED_APPLICATION, VirtualClock } from "@cloudphoenix/testkit";
import { expect, test } from "vitest";
import { ToldObjectWatch } from "../src/objects/told-object-watch.ts";

const A = "aws-us-east-1";
const B = "azure-westeurope";
const keyOf = (site: string): string => objectReplicationKey(SIMULATED_APPLICATION.name, site);

/** The follower's clock runs an hour ahead of ours. */
const AHEAD_MS = 3_600_000;

class Follower {
  readonly clock: VirtualClock = new VirtualClock();
  readonly troubles: (string | null)[] = [];
  stored: Json | Error = null;
  /** What the follower of another standby told. */
  other: Json = null;
  readonly watch: ToldObjectWatch = new ToldObjectWatch({
    application: SIMULATED_APPLICATION,
    clock: this.clock,
    facts: {
      get: async (key) => {
        if (this.stored instanceof Error) throw this.stored;
        return key === keyOf(B) ? this.stored : key === keyOf(A) ? this.other : null;
      },
    },
    onTrouble: (message) => void this.troubles.push(message),
  });

  tells(change: Partial<ObjectReplicationFacts> = {}): void {
    const atMs = this.clock.now() + AHEAD_MS;
    const facts: ObjectReplicationFacts = {
      from: "aws-us-east-1",
      to: B,
      generation: 1,
      backlogAgeMs: 2_500,
      pending: 3,
      markMs: atMs - 9_000,
      canarySeenMs: atMs - 1_500,
      lastReconciledMs: atMs - 9_000,
      copied: 10,
      bytes: 1_000,
      copiedServerSide: 0,
      bytesServerSide: 0,
      deleted: 0,
      failed: 0,
      needPerson: 0,
      failures: [],
      paused: null,
      deletesHeldBack: null,
      atMs,
      ...change,
    };
    this.stored = JSON.parse(JSON.stringify(facts));
  }

  /** A look at the stored facts, a second after the one before. */
  async look(): Promise<void> {
    await this.clock.advance(1_000);
    await this.watch.look();
  }
}

test("the first look takes what a follower told before, as of then", async () => {
  const follower = new Follower();
  const atMs = follower.clock.now();
  follower.tells({ atMs, canarySeenMs: atMs - 1_500, needPerson: 3 });
  await follower.clock.advance(19_000);
  await follower.look();
  const lastWords = {
    toldAtMs: atMs,
    completeUntilMs: atMs - 2_500,
    canaryMs: atMs - 1_500,
    needPerson: 3,
  };
  expect(follower.watch.facts(B)).toMatchObject(lastWords);
  await follower.look();
  expect(follower.watch.facts(B)).toMatchObject(lastWords);
});

test("what the first look finds is never taken to be told after it", async () => {
  const follower = new Follower();
  follower.tells({ atMs: follower.clock.now() + 4_000 });
  await follower.look();
  const nowMs = follower.clock.now();
  expect(follower.watch.facts(B)).toMatchObject({
    toldAtMs: nowMs,
    completeUntilMs: nowMs - 2_500,
  });
});

test("what the first look finds to be from the future counts only once it changes", async () => {
  const follower = new Follower();
  follower.tells();
  await follower.look();
  await follower.look();
  expect(follower.watch.facts(B).completeUntilMs).toBeNull();
  follower.tells();
  await follower.look();
  expect(follower.watch.facts(B).completeUntilMs).not.toBeNull();
});

test("ages are counted back from our clock, and never end later than the truth", async () => {
  const follower = new Follower();
  await follower.look();
  const beforeMs = follower.clock.now();
  follower.tells();
  const toldMs = follower.clock.now();
  await follower.look();
  const { completeUntilMs, canaryMs, toldAtMs, pending } = follower.watch.facts(B);
  expect(completeUntilMs).toBe(beforeMs - 2_500);
  expect(completeUntilMs).toBeLessThanOrEqual(toldMs - 2_500);
  expect(canaryMs).toBe(beforeMs - 1_500);
  expect(toldAtMs).toBe(follower.clock.now());
  expect(pending).toBe(3);
});

test("a follower that fell silent leaves what it told, which ages", async () => {
  const follower = new Follower();
  await follower.look();
  follower.tells();
  await follower.look();
  const told = follower.watch.facts(B);
  await follower.look();
  await follower.look();
  expect(follower.watch.facts(B)).toEqual(told);
});

test("nothing is known of a site that the copy does not go to", async () => {
  const follower = new Follower();
  await follower.look();
  follower.tells();
  await follower.look();
  expect(follower.watch.facts("aws-us-east-1")).toMatchObject({ toldAtMs: null, canaryMs: null });
});

test("followers of two standbys do not speak for each other", async () => {
  const follower = new Follower();
  await follower.look();
  follower.tells({ to: A, pending: 40 });
  [follower.other, follower.stored] = [follower.stored as Json, null];
  await follower.look();
  follower.tells({ pending: 2 });
  await follower.look();
  expect([A, B].map((site) => follower.watch.facts(site).pending)).toEqual([40, 2]);
});

test("unknown stays unknown", async () => {
  const follower = new Follower();
  await follower.look();
  follower.tells({ backlogAgeMs: null, canarySeenMs: null, paused: "the site is quarantined" });
  await follower.look();
  expect(follower.watch.facts(B)).toMatchObject({
    completeUntilMs: null,
    canaryMs: null,
    paused: "the site is quarantined",
  });
});

test("what waits for a person, and deletes that are held back, come beside an age that is good", async () => {
  const follower = new Follower();
  await follower.look();
  const deletesHeldBack = "deletes are held back: the source is empty";
  follower.tells({ failed: 5_000, needPerson: 5_000, deletesHeldBack });
  await follower.look();
  const facts = follower.watch.facts(B);
  expect(facts).toMatchObject({ needPerson: 5_000, paused: null, deletesHeldBack });
  expect(facts.completeUntilMs).not.toBeNull();
});

test.each([
  ["deletes are held back: 3 objects are due", null, "deletes are held back: 3 objects are due"],
  ["the site is quarantined", "the site is quarantined", null],
  [null, null, null],
])("an older follower's pause (%s) says what it was about", async (told, paused, heldBack) => {
  const follower = new Follower();
  await follower.look();
  const failure = { key: "a/./b", code: "OBJECT_NAME_REFUSED", message: "", sinceMs: 1 };
  const failures = [
    { ...failure, retried: false },
    { ...failure, retried: true },
  ];
  follower.tells({ paused: told, failed: 2, failures });
  const stored = follower.stored as Record<string, Json>;
  const { needPerson: _, deletesHeldBack: __, ...older } = stored;
  follower.stored = older;
  await follower.look();
  expect(follower.watch.facts(B)).toMatchObject({
    needPerson: 1,
    paused,
    deletesHeldBack: heldBack,
    pending: 3,
  });
});

test("a state that cannot be read is said once, and its end, too", async () => {
  const follower = new Follower();
  await follower.look();
  follower.stored = new Error("the state database is gone");
  await follower.look();
  await follower.look();
  follower.tells();
  await follower.look();
  expect(follower.troubles).toEqual(["the state database is gone", null]);
});
