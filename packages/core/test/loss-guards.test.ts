import { describe, expect, test } from "vitest";
import { judgeRequest } from "../src/index.ts";
import type { GuardResult, ObjectCopyFacts, Situation } from "../src/index.ts";
import { NEVER_SEEN, asked, replication } from "./asked.ts";
import { NOW, SHOP, STANDBY, situation } from "./shop.ts";

// What a move would lose, of rows and of objects.

const AWS = "aws-us-east-1";

/** What is said of a standby 10 s behind by a controller that started when all was lost already. */
function watchedFor(forMs: number): GuardResult {
  return asked("data-fresh", {
    ...NEVER_SEEN,
    watchedSince: { site: "aws-us-east-1", atMs: NOW - forMs },
    ...replication({ writtenAtMs: null, appliedAtMs: NOW - 10_000 }),
  });
}

/** The same of one that began to lead a second ago, and saw that the lost site's lease had ended. */
function leftAt(endedAgoMs: number, change: Partial<Situation> = {}): GuardResult {
  return asked("data-fresh", {
    ...NEVER_SEEN,
    watchedSince: { site: AWS, atMs: NOW - 1_000 },
    leaseEnded: { site: AWS, atMs: NOW - endedAgoMs },
    ...replication({ writtenAtMs: null, appliedAtMs: NOW - 10_000 }),
    ...change,
  });
}

/** What is said of a standby whose newest heartbeat is that far in the future. */
function ahead(byMs: number): GuardResult {
  return asked("data-fresh", replication({ appliedAtMs: NOW + byMs }));
}

describe("data-fresh", () => {
  test("passes a loss within the objective, with the numbers", () => {
    expect(asked("data-fresh")).toMatchObject({
      outcome: "pass",
      sentence: "Loss would be at most 0.4 s, objective 5 s.",
    });
  });

  test("passes exactly at the objective and blocks a millisecond beyond", () => {
    expect(asked("data-fresh", replication({ appliedAtMs: NOW - 5_000 })).outcome).toBe("pass");
    expect(asked("data-fresh", replication({ appliedAtMs: NOW - 5_001 })).outcome).toBe("block");
  });

  test("blocks a loss that is not known", () => {
    const result = asked("data-fresh", replication({ appliedAtMs: null }));
    expect(result).toMatchObject({ outcome: "block" });
    expect(result.sentence).toContain("The loss is unknown");
  });

  test("counts up to its own start where this controller never saw a sign of life", () => {
    expect(watchedFor(6_000)).toMatchObject({ outcome: "pass" });
    expect(watchedFor(6_000).sentence).toContain("at most 4.0 s");
    expect(watchedFor(1_000)).toMatchObject({ outcome: "block" });
    expect(asked("data-fresh", NEVER_SEEN).sentence).toContain("The loss is unknown");
    const other = { watchedSince: { site: "azure-westeurope", atMs: NOW } };
    expect(asked("data-fresh", { ...NEVER_SEEN, ...other }).sentence).toContain("unknown");
  });

  test("counts up to the end of the lost site's lease where a new leader never saw that site alive", () => {
    expect(leftAt(7_000)).toMatchObject({
      outcome: "pass",
      sentence: "Loss would be at most 3.0 s, objective 5 s.",
    });
    expect(leftAt(7_000, { watchedSince: null })).toMatchObject({ outcome: "pass" });
    expect(leftAt(2_000)).toMatchObject({ outcome: "block" });
    expect(leftAt(2_000).sentence).toBe(
      "Loss would be at most 8.0 s, objective 5 s: this controller came to lead too late to see aws-us-east-1 alive, so it counts what that site may have taken until its lease ended or this lead began; only a person may accept it.",
    );
  });

  test.each<readonly [why: string, change: Partial<Situation>]>([
    ["nobody knows of an end", { leaseEnded: null }],
    ["another site's has ended", { leaseEnded: { site: "azure-westeurope", atMs: NOW - 7_000 } }],
    ["the standby has a later heartbeat", { leaseEnded: { site: AWS, atMs: NOW - 10_001 } }],
    ["its end is still to come", { leaseEnded: { site: AWS, atMs: NOW + 1 } }],
  ])("counts up to its own start all the same if %s", (_, change) => {
    const result = leftAt(7_000, change);
    expect(result).toMatchObject({ outcome: "block" });
    expect(result.sentence).toContain("at most 9.0 s");
  });

  test("counts up to its own start where that came before the end of the lease", () => {
    const started = { watchedSince: { site: AWS, atMs: NOW - 8_000 } };
    expect(leftAt(7_000, started).sentence).toContain("at most 2.0 s");
  });

  test("counts up to the last sign of life whatever became of the lease", () => {
    const seen = replication({ writtenAtMs: NOW - 1_000, appliedAtMs: NOW - 10_000 });
    expect(leftAt(7_000, seen).sentence).toContain("at most 9.0 s");
  });

  test("counts a standby that is ahead of the last sign of life as no loss", () => {
    const change = replication({ writtenAtMs: NOW - 1_000, appliedAtMs: NOW - 500 });
    expect(asked("data-fresh", change).sentence).toContain("at most 0.0 s");
  });

  test("does not believe a heartbeat of a clock that is ahead: the loss is unknown", () => {
    expect(ahead(5_000)).toMatchObject({ outcome: "pass" });
    expect(ahead(60_000)).toMatchObject({ outcome: "block" });
    expect(ahead(60_000).sentence).toContain(
      "The loss is unknown, objective 5 s: the newest heartbeat at the target is 60.0 s ahead of this controller's clock",
    );
  });

  test.each([
    ["refuses a person who did not accept the loss", false, "block"],
    ["lets a person accept the loss, and wants approval for it", true, "approve"],
  ] as const)("%s", (_, acceptLoss, outcome) => {
    const given = situation(replication({ appliedAtMs: NOW - 20_000 }));
    const { guards } = judgeRequest(given, { kind: "dr", acceptLoss });
    expect(guards.find((one) => one.guard === "data-fresh")?.outcome).toBe(outcome);
  });
});

function accepted(change: Partial<Situation>, acceptLoss = true): unknown {
  return judgeRequest(situation(change), { kind: "dr", acceptLoss }).acceptedLoss;
}

describe("what a request accepts to lose", () => {
  test("is the bound of now and the objective, which nobody has to accept, on top", () => {
    expect(accepted(replication({ appliedAtMs: NOW - 20_000 }))).toEqual({
      writesMs: 20_000 + SHOP.objectives.rpoMs,
    });
  });

  test("is unknown while the loss is, and is nothing if it was not asked for or is not needed", () => {
    expect(accepted(NEVER_SEEN)).toEqual({ writesMs: null });
    expect(accepted(replication({ appliedAtMs: NOW - 20_000 }), false)).toBeNull();
    expect(accepted({})).toBeNull();
  });

  test("counts the objects by their own objective", () => {
    const application = { ...SHOP, objects: { rpoMs: 60_000 } };
    expect(accepted({ application })).toEqual({ writesMs: expect.any(Number), objectsMs: null });
  });
});

describe("objects", () => {
  const application = { ...SHOP, objects: { rpoMs: 60_000 } };
  const copied: ObjectCopyFacts = {
    toldAtMs: NOW,
    completeUntilMs: NOW - 3_000,
    canaryMs: NOW - 2_000,
    pending: 4,
    needPerson: 0,
    paused: null,
    deletesHeldBack: null,
  };
  const withObjects = (objects: ObjectCopyFacts | null): Partial<Situation> => ({
    application,
    standbys: [{ ...STANDBY, objects }],
  });

  test("are judged beside the rows, each by its own objective", () => {
    expect(asked("data-fresh", withObjects(copied))).toMatchObject({
      outcome: "pass",
      sentence:
        "Loss would be at most 0.4 s, objective 5 s; objects of at most 3.0 s, objective 60 s.",
    });
    expect(asked("target-ready", withObjects(copied)).outcome).toBe("pass");
  });

  test("that stay behind until a person acts are named, and hold up no move", () => {
    const given = withObjects({ ...copied, needPerson: 5_000 });
    expect(asked("data-fresh", given)).toEqual({
      guard: "data-fresh",
      outcome: "pass",
      sentence:
        "Loss would be at most 0.4 s, objective 5 s; objects of at most 3.0 s, objective 60 s; 5000 objects stay behind until a person acts.",
    });
    const one = { ...copied, completeUntilMs: NOW - 61_000, needPerson: 1 };
    expect(asked("data-fresh", withObjects(one)).sentence).toMatch(
      /was last alive; 1 object stays behind until a person acts; only a person may accept it\.$/u,
    );
    const planned = judgeRequest(situation(given), { kind: "switchover", acceptLoss: false });
    expect(planned.guards.find(({ guard }) => guard === "data-fresh")?.sentence).toMatch(
      /objects 3\.0 s\); 5000 objects stay behind until a person acts\.$/u,
    );
  });

  test("that are behind their objective stop what acts by itself, and say why", () => {
    const behind = {
      ...copied,
      completeUntilMs: NOW - 61_000,
      paused: "its store refuses the keys",
    };
    const result = asked("data-fresh", withObjects(behind));
    expect(result).toMatchObject({
      outcome: "block",
      sentence:
        "objects of at most 61.0 s, objective 60 s: their copy was behind when aws-us-east-1 was last alive (its store refuses the keys); only a person may accept it.",
    });
  });

  test("whose copy nobody tells of are an unknown loss", () => {
    expect(asked("data-fresh", withObjects(null))).toMatchObject({ outcome: "block" });
    expect(asked("data-fresh", withObjects(null)).sentence).toContain("unknown, objective 60 s");
  });

  test("whose store never showed a canary make the target not whole: a person must agree", () => {
    expect(asked("target-ready", withObjects({ ...copied, canaryMs: null }))).toEqual({
      guard: "target-ready",
      outcome: "approve",
      sentence:
        "azure-westeurope serves but is not whole: no canary object was ever seen in its store; 1 person must agree.",
    });
  });

  test("are nobody's business where the application has none", () => {
    expect(asked("target-ready", { standbys: [{ ...STANDBY, objects: null }] }).outcome).toBe(
      "pass",
    );
  });
});
