import { expect, test } from "vitest";
import {
  type ActiveSample,
  judgeReplication,
  type StandbySample,
} from "../src/replication-state.ts";

const NOW = 1_000_000;
const ACTIVE: ActiveSample = {
  atMs: NOW,
  slot: { lost: false, walStatus: "reserved" },
  walsender: "streaming",
  lagBytes: 0n,
};
const STANDBY: StandbySample = {
  atMs: NOW,
  subscription: { enabled: true, unready: [] },
  errorsSinceProgress: 0,
};

test("a pair in good order streams", () => {
  expect(judgeReplication(ACTIVE, STANDBY, NOW)).toEqual({
    state: "streaming",
    detail: "streaming",
  });
});

test.each<[string, ActiveSample, StandbySample]>([
  ["the slot is gone", { ...ACTIVE, slot: null }, STANDBY],
  ["the slot is lost", { ...ACTIVE, slot: { lost: true, walStatus: "lost" } }, STANDBY],
  ["the subscription is gone", ACTIVE, { ...STANDBY, subscription: null }],
  [
    "the subscription is disabled",
    ACTIVE,
    { ...STANDBY, subscription: { enabled: false, unready: [] } },
  ],
  ["a change cannot be applied", ACTIVE, { ...STANDBY, errorsSinceProgress: 2 }],
])("is broken when %s", (_, active, standby) => {
  expect(judgeReplication(active, standby, NOW).state).toBe("broken");
});

test("the one error of a lost connection is not taken for a change that cannot be applied", () => {
  expect(judgeReplication(ACTIVE, { ...STANDBY, errorsSinceProgress: 1 }, NOW).state).toBe(
    "streaming",
  );
});

test.each<[string, ActiveSample, StandbySample]>([
  ["not connected", { ...ACTIVE, walsender: null }, STANDBY],
  ["reading old log", { ...ACTIVE, walsender: "catchup" }, STANDBY],
  ["about to lose log", { ...ACTIVE, slot: { lost: false, walStatus: "unreserved" } }, STANDBY],
  ["copying", ACTIVE, { ...STANDBY, subscription: { enabled: true, unready: ["public.t"] } }],
])("is catching up while the standby is %s", (_, active, standby) => {
  expect(judgeReplication(active, standby, NOW).state).toBe("catching-up");
});

test("a dead active site leaves its last word standing, with its age", () => {
  const judgement = judgeReplication({ ...ACTIVE, atMs: NOW - 60_000 }, STANDBY, NOW);
  expect(judgement.state).toBe("streaming");
  expect(judgement.detail).toContain("60 s ago");
});

test("a standby that does not answer is unknown, whatever it said before", () => {
  expect(judgeReplication(ACTIVE, { ...STANDBY, atMs: NOW - 60_000 }, NOW).state).toBe("unknown");
  expect(judgeReplication(ACTIVE, null, NOW).state).toBe("unknown");
  expect(judgeReplication(null, STANDBY, NOW).state).toBe("unknown");
});
