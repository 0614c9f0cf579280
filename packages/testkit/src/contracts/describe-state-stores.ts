/** What every set of state stores must do, as tests. */
import type { Json, Roles, RunEvent, StepRecord } from "@cloudphoenix/core";
import type { AuditLog, FactStore, RoleStore, RunStore } from "@cloudphoenix/engine";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { contractPlan, contractStep } from "./contract-plan.ts";

export interface StateStoresHarness {
  readonly roles: RoleStore;
  readonly runs: RunStore;
  readonly facts: FactStore;
  readonly audit: AuditLog;
  stop(): Promise<void>;
}

export interface StateStoresContract {
  /** Name of the implementation, printed with every test. */
  readonly name: string;
  /** Empty stores whose roles are `initial`. */
  readonly setup: (initial: Roles) => Promise<StateStoresHarness>;
}

const INITIAL: Roles = { generation: 3, active: "site-a", claimedBy: null, protected: true };

/** Declares the suites of all stores for one implementation. */
export function describeStateStores({ name, setup }: StateStoresContract): void {
  let stores: StateStoresHarness;

  beforeEach(async () => {
    stores = await setup(INITIAL);
  });

  afterEach(async () => {
    await stores.stop();
  });

  describe(`role store of ${name}`, () => {
    claimTests(() => stores.roles);
    premiseTests(() => stores.roles);
    settlementTests(() => stores.roles);
  });
  describe(`run store of ${name}`, () => {
    runTests(() => stores.runs);
    stepRecordTests(() => stores.runs);
    journalTests(() => stores.runs);
  });
  describe(`fact store and audit log of ${name}`, () => {
    factTests(() => stores);
  });
}

function claimTests(roles: () => RoleStore): void {
  test("starts with the roles it was given", async () => {
    expect(await roles().read()).toEqual(INITIAL);
  });

  test("gives the next generation to one run only", async () => {
    expect(await roles().claim("run-1", 4, "site-a")).toMatchObject({
      generation: 4,
      claimedBy: "run-1",
    });
    await expect(roles().claim("run-2", 4, "site-a")).rejects.toMatchObject({
      code: "STALE_GENERATION",
    });
    expect((await roles().read()).claimedBy).toBe("run-1");
  });

  test("lets one of many claims at the same time win", async () => {
    const claims = ["a", "b", "c", "d", "e"].map((run) => roles().claim(run, 4, "site-a"));
    const results = await Promise.allSettled(claims);
    expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(1);
  });

  test("lets the run that holds a generation claim it again", async () => {
    await roles().claim("run-1", 4, "site-a");
    expect(await roles().claim("run-1", 4, "site-a")).toMatchObject({ claimedBy: "run-1" });
  });

  test.each([3, 2, 5])("refuses generation %i, which is not the next", async (generation) => {
    await expect(roles().claim("run-1", generation, "site-a")).rejects.toMatchObject({
      code: "STALE_GENERATION",
    });
    expect(await roles().read()).toEqual(INITIAL);
  });
}

/** A run claims with the site it takes to be active. */
function premiseTests(roles: () => RoleStore): void {
  test("refuses the next generation to a run that takes another site to be active", async () => {
    await expect(roles().claim("run-1", 4, "site-b")).rejects.toMatchObject({
      code: "STALE_GENERATION",
      retryable: false,
      message: expect.stringMatching(/site-b was active.* site-a is/),
    });
    expect(await roles().read()).toEqual(INITIAL);
  });

  test("refuses a move that was planned before the one before it had settled", async () => {
    await roles().claim("run-1", 4, "site-a");
    const settled = await roles().settle(4, { active: "site-b", protected: false });
    const late = roles().claim("run-2", 5, "site-a");
    await expect(late).rejects.toMatchObject({ code: "STALE_GENERATION" });
    expect(await roles().read()).toEqual(settled);
    expect(await roles().claim("run-3", 5, "site-b")).toMatchObject({ claimedBy: "run-3" });
  });

  test("lets the run that holds a generation claim it again after it has settled", async () => {
    await roles().claim("run-1", 4, "site-a");
    const settled = await roles().settle(4, { active: "site-b", protected: false });
    expect(await roles().claim("run-1", 4, "site-a")).toEqual(settled);
    await expect(roles().claim("run-2", 4, "site-b")).rejects.toMatchObject({
      code: "STALE_GENERATION",
    });
  });

  test("lets a settlement and a claim that takes the site before to be active never both count", async () => {
    await roles().claim("run-1", 4, "site-a");
    const [, claim] = await Promise.allSettled([
      roles().settle(4, { active: "site-b", protected: false }),
      roles().claim("run-2", 5, "site-a"),
    ]);
    const { active } = await roles().read();
    expect(active).toBe(claim.status === "fulfilled" ? "site-a" : "site-b");
  });
}

function settlementTests(roles: () => RoleStore): void {
  test("settles the outcome of the current generation, twice if need be", async () => {
    await roles().claim("run-1", 4, "site-a");
    const settled = { generation: 4, active: "site-b", claimedBy: "run-1", protected: false };
    expect(await roles().settle(4, { active: "site-b", protected: false })).toEqual(settled);
    expect(await roles().settle(4, { active: "site-b", protected: false })).toEqual(settled);
    expect(await roles().read()).toEqual(settled);
  });

  test("refuses the outcome of an older generation", async () => {
    await roles().claim("run-1", 4, "site-a");
    const late = roles().settle(3, { active: "site-b", protected: false });
    await expect(late).rejects.toMatchObject({ code: "STALE_GENERATION" });
    expect((await roles().read()).active).toBe("site-a");
  });
}

const DONE: StepRecord = {
  id: "one",
  status: "done",
  attempts: 2,
  startedAtMs: 1_767_225_600_123,
  endedAtMs: 1_767_225_600_456,
  result: { degree: "network", proofs: [{ means: "network" }], nothing: null },
  error: null,
  skipped: null,
};

function runTests(runs: () => RunStore): void {
  const plan = contractPlan([contractStep("one"), contractStep("two", ["one"])]);
  const create = (): Promise<void> =>
    runs().create({ plan, startedBy: "operator:ann", atMs: 1_767_225_600_000 });

  test("keeps the plan, who started it, and every step as pending", async () => {
    await create();
    const run = await runs().get(plan.id);
    expect(run).toMatchObject({
      id: plan.id,
      plan,
      status: "running",
      startedBy: "operator:ann",
      startedAtMs: 1_767_225_600_000,
      endedAtMs: null,
      waitingFor: null,
      question: null,
      approvals: [],
    });
    expect(run?.steps.map((step) => [step.id, step.status])).toEqual([
      ["one", "pending"],
      ["two", "pending"],
    ]);
  });

  test("creating a run again changes nothing", async () => {
    await create();
    await runs().putStep(plan.id, DONE, 2);
    await runs().setStatus(plan.id, {
      status: "completed",
      waitingFor: null,
      question: null,
      endedAtMs: 7,
      order: 3,
    });
    await create();
    const run = await runs().get(plan.id);
    expect(run).toMatchObject({ status: "completed", endedAtMs: 7 });
    expect(run?.steps[0]).toEqual(DONE);
  });

  test("answers null for a run it does not know", async () => {
    expect(await runs().get("no-such-run")).toBeNull();
    expect(await runs().events("no-such-run")).toEqual([]);
  });

  test("lists the newest first and no more than asked for", async () => {
    const plans = [1, 2, 3].map(() => contractPlan([contractStep("one")]));
    for (const [index, each] of plans.entries()) {
      await runs().create({ plan: each, startedBy: "decision", atMs: 1_000 + index });
    }
    const listed = await runs().list(2);
    expect(listed.map((run) => run.id)).toEqual([plans[2]?.id, plans[1]?.id]);
  });
}

function stepRecordTests(runs: () => RunStore): void {
  const plan = contractPlan([contractStep("one"), contractStep("two", ["one"])]);

  beforeEach(async () => {
    await runs().create({ plan, startedBy: "operator:ann", atMs: 1_767_225_600_000 });
  });

  test("replaces a step as a whole", async () => {
    const error = { code: "TIMED_OUT", message: "late", hint: null, retryable: true };
    const skipped = { by: "ann", reason: "by hand" };
    await runs().putStep(plan.id, { ...DONE, status: "failed", error }, 1);
    await runs().putStep(plan.id, { ...DONE, status: "skipped", skipped, result: null }, 2);
    const run = await runs().get(plan.id);
    expect(run?.steps[0]).toEqual({ ...DONE, status: "skipped", skipped, result: null });
    expect(run?.steps[1]?.status).toBe("pending");
  });

  test("a record of a step that arrives after a newer one changes nothing", async () => {
    await runs().putStep(plan.id, DONE, 6);
    await runs().putStep(plan.id, { ...DONE, status: "running", attempts: 1, result: null }, 5);
    expect((await runs().get(plan.id))?.steps[0]).toEqual(DONE);
  });

  test("a record of a step again is harmless, and a newer one is kept", async () => {
    const failed = { ...DONE, status: "failed" } as const;
    const undone = { ...DONE, status: "undone" } as const;
    for (const [record, order] of [
      [failed, 6],
      [DONE, 6],
      [DONE, 6],
      [undone, 14],
    ] as const) {
      await runs().putStep(plan.id, record, order);
      expect((await runs().get(plan.id))?.steps[0]).toEqual(record);
    }
  });

  test("every step has an order of its own", async () => {
    await runs().putStep(plan.id, DONE, 6);
    await runs().putStep(plan.id, { ...DONE, id: "two" }, 1);
    const run = await runs().get(plan.id);
    expect(run?.steps.map((step) => step.status)).toEqual(["done", "done"]);
  });

  test("of records that arrive at the same time in any order the newest is kept", async () => {
    const orders = [3, 9, 1, 12, 6, 2, 11, 4];
    await Promise.all(
      orders.map((order) => runs().putStep(plan.id, { ...DONE, attempts: order }, order)),
    );
    expect((await runs().get(plan.id))?.steps[0]?.attempts).toBe(12);
  });

  test("takes no record of a step for a run it does not know", async () => {
    await expect(runs().putStep("no-such-run", DONE, 1)).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
  });
}

const WAITING = {
  status: "waiting-approval",
  waitingFor: "bob",
  question: 1,
  endedAtMs: null,
} as const;
const RUNNING = { status: "running", waitingFor: null, question: null, endedAtMs: null } as const;

function journalTests(runs: () => RunStore): void {
  const plan = contractPlan([contractStep("one")]);
  const event = (key: string, text: string): RunEvent => ({
    runId: plan.id,
    key,
    atMs: 1_767_225_600_000,
    kind: "step-done",
    step: "one",
    text,
  });

  beforeEach(async () => {
    await runs().create({ plan, startedBy: "decision", atMs: 0 });
  });

  test("keeps events in the order they came, each key once", async () => {
    await runs().addEvent(event("b", "first"));
    await runs().addEvent(event("a", "second"));
    await runs().addEvent(event("b", "first"));
    expect(await runs().events(plan.id)).toEqual([event("b", "first"), event("a", "second")]);
  });

  test("keeps the approvals of several people, the same one once", async () => {
    await runs().addApproval(plan.id, { by: "bob", atMs: 5, comment: "seen" });
    await runs().addApproval(plan.id, { by: "bob", atMs: 5, comment: "seen" });
    await runs().addApproval(plan.id, { by: "carol", atMs: 6, comment: "" });
    expect((await runs().get(plan.id))?.approvals).toEqual([
      { by: "bob", atMs: 5, comment: "seen" },
      { by: "carol", atMs: 6, comment: "" },
    ]);
  });

  test("says what a run waits for, and forgets it", async () => {
    await runs().setStatus(plan.id, { ...WAITING, order: 1 });
    expect(await runs().get(plan.id)).toMatchObject(WAITING);
    await runs().setStatus(plan.id, { ...RUNNING, order: 2 });
    expect(await runs().get(plan.id)).toMatchObject(RUNNING);
  });

  test("a status that arrives after a newer one changes nothing", async () => {
    await runs().setStatus(plan.id, { ...WAITING, order: 5 });
    await runs().setStatus(plan.id, { ...RUNNING, order: 4 });
    expect(await runs().get(plan.id)).toMatchObject(WAITING);
  });

  test("the same status again is harmless, and an unknown run is named", async () => {
    await runs().setStatus(plan.id, { ...WAITING, order: 5 });
    await runs().setStatus(plan.id, { ...WAITING, order: 5 });
    expect(await runs().get(plan.id)).toMatchObject(WAITING);
    await expect(runs().setStatus("no-such-run", { ...RUNNING, order: 6 })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
  });
}

function factTests(stores: () => Pick<StateStoresHarness, "facts" | "audit">): void {
  test("a fact never put reads as null", async () => {
    expect(await stores().facts.get("nothing")).toBeNull();
  });

  test.each<Json>([
    1_767_225_600_123,
    "text",
    false,
    null,
    ["a", { b: null }],
    { big: "18446744" },
  ])("a fact reads as it was put: %j", async (value) => {
    await stores().facts.put("key", "older");
    await stores().facts.put("key", value);
    expect(await stores().facts.get("key")).toEqual(value);
  });

  test("the audit log takes entries", async () => {
    const entry = { atMs: 1, who: "ann", what: "cancel", why: "enough", detail: { run: "r" } };
    await expect(stores().audit.append(entry)).resolves.toBeUndefined();
  });
}
