/** What a copier tells that took over from one that is lost, while the active store is lost, too. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { FaultHook } from "@cloudphoenix/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { CopierMemory, ObjectReplicationFacts } from "../../src/index.ts";
import { CopyWorld } from "./copy-world.ts";

let world: CopyWorld;

beforeEach(() => {
  world = new CopyWorld();
});

afterEach(async () => {
  await world.stopAll();
});

const dead: FaultHook = () => {
  throw new CloudPhoenixError("OBJECT_STORE_UNREACHABLE", "the region is gone", {
    retryable: true,
  });
};

/** It cannot be compared, but what is told of is read. */
const unlisted: FaultHook = (call, key) => (call === "list" ? dead(call, key) : "none");

const nameless: FaultHook = (call, key) => {
  if (call !== "write" || key !== "a/./b") return "none";
  throw new CloudPhoenixError("OBJECT_NAME_REFUSED", "no such name", { retryable: false });
};

function refused(key: string, retried: boolean): ObjectReplicationFacts["failures"][number] {
  return { key, code: "OBJECT_STORE_DENIED", message: "", sinceMs: 1, retried };
}

/** A second behind, compared 50 s ago, three objects left to a person of which two are listed. */
function earlier(change: Partial<ObjectReplicationFacts> = {}): CopierMemory {
  const atMs = world.clock.now();
  const facts: ObjectReplicationFacts = {
    from: "site-a",
    to: "site-b",
    generation: 7,
    backlogAgeMs: 1_000,
    pending: 0,
    markMs: atMs - 50_000,
    canarySeenMs: atMs - 1_000,
    lastReconciledMs: atMs - 50_000,
    copied: 10,
    bytes: 1_000,
    copiedServerSide: 0,
    bytesServerSide: 0,
    deleted: 0,
    failed: 4,
    needPerson: 3,
    failures: [refused("k1", false), refused("k2", false), refused("k3", true)],
    paused: null,
    deletesHeldBack: null,
    atMs,
    ...change,
  };
  return { facts, copied: { untilMs: atMs - 50_000, except: ["k1", "k2"] }, deletes: [] };
}

test("the age goes on from where the lost one was, and the mark stays", async () => {
  const memory = earlier();
  await world.clock.advance(3_000);
  const copier = world.copier({ sourceFaults: dead, more: { earlier: memory } });
  world.start(copier);
  await world.clock.advance(20_000);
  const { backlogAgeMs, markMs, lastReconciledMs } = copier.facts();
  expect(backlogAgeMs).toBe(24_000);
  expect(markMs).toBe(memory.facts.markMs);
  expect(lastReconciledMs).toBe(memory.facts.markMs);
  expect(copier.memory().copied).toEqual(memory.copied);
});

test("what came before and is told of only now counts, though the lost one did not know of it", async () => {
  const memory = earlier();
  const copier = world.copier({ sourceFaults: dead, more: { earlier: memory } });
  world.start(copier);
  await world.clock.advance(1_000);
  world.hint("late", "written", 10_000);
  await world.clock.advance(5_000);
  expect(copier.facts()).toMatchObject({ backlogAgeMs: 15_000, pending: 1 });
});

test("an unknown age stays the one of the mark", () => {
  const copier = world.copier({ more: { earlier: earlier({ backlogAgeMs: null }) } });
  expect(copier.facts().backlogAgeMs).toBe(50_000);
});

test("a clock that was a little ahead makes nothing look copied that is still to come", async () => {
  const atMs = world.clock.now() + 900;
  const copier = world.copier({ more: { earlier: earlier({ backlogAgeMs: 0, atMs }) } });
  await world.clock.advance(600);
  expect(copier.facts().backlogAgeMs).toBe(600);
});

test("a memory from the future is worth nothing", () => {
  const atMs = world.clock.now() + 60_000;
  const copier = world.copier({ more: { earlier: earlier({ atMs }) } });
  expect(copier.facts()).toMatchObject({ backlogAgeMs: null, needPerson: 0 });
});

test("objects that need a person still do, by number and by name, in the next memory, too", async () => {
  const copier = world.copier({ sourceFaults: dead, more: { earlier: earlier() } });
  world.start(copier);
  await world.clock.advance(20_000);
  const told = { failed: 3, needPerson: 3, failures: [{ key: "k1" }, { key: "k2" }] };
  expect(copier.facts()).toMatchObject(told);
  const third = world.copier({ sourceFaults: dead, more: { earlier: copier.memory() } });
  expect(third.facts()).toMatchObject(told);
});

test("one that both know is told once, as it is known now", async () => {
  world.source.put("a/./b", "no name for the target");
  const failures = [refused("a/./b", false), refused("k2", false)];
  const memory = earlier({ failures, failed: 2, needPerson: 2 });
  const copier = world.copier({
    sourceFaults: unlisted,
    targetFaults: nameless,
    more: { earlier: memory },
  });
  world.start(copier);
  world.hint("a/./b");
  await world.clock.advance(5_000);
  const facts = copier.facts();
  expect(facts.failures.map(({ key, code }) => [key, code])).toEqual([
    ["k2", "OBJECT_STORE_DENIED"],
    ["a/./b", "OBJECT_NAME_REFUSED"],
  ]);
  expect(facts).toMatchObject({ failed: 2, needPerson: 2 });
});

test("after a whole comparison only what this one found counts", async () => {
  const copier = world.copier({ more: { earlier: earlier() } });
  world.start(copier);
  await world.clock.advance(5_000);
  expect(copier.facts()).toMatchObject({ failed: 0, needPerson: 0, failures: [] });
});
