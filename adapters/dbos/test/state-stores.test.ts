import type { StepRecord } from "@cloudphoenix/core";
import { describe, expect, test } from "vitest";
import { openStateDatabase } from "../src/index.ts";
import { samplePlan } from "./sample-plan.ts";
import { initialRoles, openState, query, useStateServer } from "./state-server.ts";

const { freshUrl } = useStateServer();

const doneStep: StepRecord = {
  id: "two",
  status: "done",
  attempts: 2,
  startedAtMs: 10,
  endedAtMs: 20,
  result: { lsn: "0/1", rows: [1, null, "x"] },
  error: null,
  skipped: null,
};

describe("the state database", () => {
  test("is made by several controllers at once and opened again later", async () => {
    const url = freshUrl();
    const opened = await Promise.all([openState(url), openState(url), openState(url)]);
    for (const state of opened) expect(await state.roles.read()).toEqual(initialRoles);
    await Promise.all(opened.map((state) => state.close()));

    const state = await openStateDatabase({
      url,
      application: "shop",
      initialRoles: { ...initialRoles, active: "azure-westeurope", generation: 0 },
      log: () => undefined,
    });
    expect(await state.roles.read()).toEqual(initialRoles);
    await state.close();
  });

  test("of a newer release is refused", async () => {
    const url = freshUrl();
    await (await openState(url)).close();
    await query(url, "insert into cloudphoenix.schema_version (version) values (999)");
    await expect(openState(url)).rejects.toMatchObject({ code: "STATE_VERSION" });
  });

  test("that does not answer is a failure that may pass", async () => {
    const opened = openState("postgresql://nobody@127.0.0.1:1/state");
    await expect(opened).rejects.toMatchObject({ code: "STATE_UNAVAILABLE", retryable: true });
  });
});

describe("roles", () => {
  test("are claimed once per generation, and by the same run as often as it likes", async () => {
    const state = await openState(freshUrl());
    const claimed = { ...initialRoles, generation: 8, claimedBy: "run-a" };
    expect(await state.roles.claim("run-a", 8, initialRoles.active)).toEqual(claimed);
    expect(await state.roles.claim("run-a", 8, initialRoles.active)).toEqual(claimed);
    expect(await state.roles.read()).toEqual(claimed);
    await state.close();
  });

  test.each([
    { what: "the generation another run has", runId: "run-b", generation: 8 },
    { what: "an older generation", runId: "run-a", generation: 7 },
    { what: "a generation that would leave one out", runId: "run-b", generation: 10 },
  ])("refuse a claim of $what", async ({ runId, generation }) => {
    const state = await openState(freshUrl());
    await state.roles.claim("run-a", 8, initialRoles.active);
    await expect(state.roles.claim(runId, generation, initialRoles.active)).rejects.toMatchObject({
      code: "STALE_GENERATION",
      retryable: false,
    });
    expect((await state.roles.read()).claimedBy).toBe("run-a");
    await state.close();
  });

  test("are won by exactly one of many runs that claim at once", async () => {
    const url = freshUrl();
    const states = await Promise.all([openState(url), openState(url)]);
    const claims = await Promise.allSettled(
      states.flatMap(({ roles }, who) =>
        [0, 1, 2, 3, 4].map((n) => roles.claim(`run-${who}-${n}`, 8, initialRoles.active)),
      ),
    );
    expect(claims.filter((claim) => claim.status === "fulfilled")).toHaveLength(1);
    await Promise.all(states.map((state) => state.close()));
  });

  test("are settled only for the current generation", async () => {
    const state = await openState(freshUrl());
    await state.roles.claim("run-a", 8, initialRoles.active);
    const outcome = { active: "azure-westeurope", protected: false };
    const settled = { generation: 8, claimedBy: "run-a", ...outcome };
    expect(await state.roles.settle(8, outcome)).toEqual(settled);
    expect(await state.roles.settle(8, outcome)).toEqual(settled);
    await expect(state.roles.settle(7, outcome)).rejects.toMatchObject({
      code: "STALE_GENERATION",
    });
    await state.close();
  });
});

describe("runs", () => {
  test("start with every step pending and keep what is recorded, twice or once", async () => {
    const state = await openState(freshUrl());
    const { runs } = state;
    const plan = samplePlan("run-a");
    await runs.create({ plan, startedBy: "decision", atMs: 5 });
    await runs.create({ plan, startedBy: "somebody else", atMs: 6 });
    const approval = { by: "ann", atMs: 7, comment: "go" };
    for (const _ of [1, 2]) {
      await runs.putStep("run-a", doneStep, 1);
      await runs.addApproval("run-a", approval);
      await runs.setStatus("run-a", {
        status: "paused",
        waitingFor: "you",
        question: null,
        endedAtMs: null,
        order: 1,
      });
    }
    await runs.addApproval("run-a", { ...approval, by: "bob" });

    const run = await runs.get("run-a");
    expect(run).toMatchObject({
      id: "run-a",
      plan,
      startedBy: "decision",
      startedAtMs: 5,
      endedAtMs: null,
      status: "paused",
      waitingFor: "you",
      question: null,
      approvals: [approval, { ...approval, by: "bob" }],
    });
    expect(run?.steps[0]).toMatchObject({ id: "one", status: "pending", attempts: 0 });
    expect(run?.steps[1]).toEqual(doneStep);
    expect(await runs.get("run-b")).toBeNull();
    await state.close();
  });

  test("take the records of branches that finish at the same moment", async () => {
    const state = await openState(freshUrl());
    const ids = Array.from({ length: 12 }, (_, n) => `step-${n}`);
    await state.runs.create({ plan: samplePlan("run-a", ids), startedBy: "decision", atMs: 5 });
    await Promise.all(ids.map((id) => state.runs.putStep("run-a", { ...doneStep, id }, 1)));
    const run = await state.runs.get("run-a");
    expect(run?.steps.map((step) => [step.id, step.status])).toEqual(ids.map((id) => [id, "done"]));
    await state.close();
  });

  test("are listed newest first, as many as asked for", async () => {
    const state = await openState(freshUrl());
    for (const id of ["a", "b", "c"]) {
      await state.runs.create({ plan: samplePlan(id), startedBy: "decision", atMs: 5 });
    }
    expect((await state.runs.list(2)).map((run) => run.id)).toEqual(["c", "b"]);
    await state.close();
  });

  test("keep their journal in order and each line once", async () => {
    const state = await openState(freshUrl());
    await state.runs.create({ plan: samplePlan("run-a"), startedBy: "decision", atMs: 5 });
    const event = {
      runId: "run-a",
      key: "begin",
      atMs: 5,
      kind: "run-started",
      step: null,
      text: "began",
    } as const;
    const later = { ...event, key: "later", kind: "step-done", step: "one" } as const;
    await state.runs.addEvent(event);
    await state.runs.addEvent(later);
    await state.runs.addEvent({ ...event, text: "again" });
    expect(await state.runs.events("run-a")).toEqual([event, later]);
    await state.close();
  });

  test("that do not exist take no records", async () => {
    const state = await openState(freshUrl());
    const { runs } = state;
    const missing = { code: "NOT_FOUND", retryable: false };
    await expect(runs.putStep("x", doneStep, 1)).rejects.toMatchObject(missing);
    await expect(
      runs.setStatus("x", {
        status: "failed",
        waitingFor: null,
        question: null,
        endedAtMs: 1,
        order: 1,
      }),
    ).rejects.toMatchObject(missing);
    await expect(
      runs.addEvent({ runId: "x", key: "k", atMs: 1, kind: "waiting", step: null, text: "" }),
    ).rejects.toMatchObject(missing);
    await state.close();
  });

  test("store whatever programs print, but no password in an address", async () => {
    const state = await openState(freshUrl());
    const { runs } = state;
    await runs.create({ plan: samplePlan("run-a"), startedBy: "decision", atMs: 5 });
    const said = "bad \0 byte, half \ud800 pair, postgresql://app:hunter2@db:5432/app";
    await runs.putStep("run-a", { ...doneStep, result: said }, 1);
    const stored = (await runs.get("run-a"))?.steps[1]?.result;
    expect(stored).toBe("bad  byte, half \ufffd pair, postgresql://app:***@db:5432/app");
    await state.close();
  });
});

describe("facts", () => {
  test("read as they were put last, and as null if never put", async () => {
    const state = await openState(freshUrl());
    const { facts } = state;
    expect(await facts.get("loss")).toBeNull();
    await facts.put("loss", { bytes: "12", rows: [1, 2] });
    await facts.put("loss", { bytes: "13" });
    expect(await facts.get("loss")).toEqual({ bytes: "13" });
    await state.close();
  });
});

describe("the audit log", () => {
  test("takes entries and gives none up", async () => {
    const url = freshUrl();
    const state = await openState(url);
    const { audit } = state;
    await audit.append({ atMs: 1, who: "ann", what: "approve", why: "fire", detail: { run: "a" } });
    for (const sql of [
      "update cloudphoenix.audit set who = 'bob'",
      "delete from cloudphoenix.audit",
    ]) {
      await expect(query(url, sql)).rejects.toThrow("append-only");
    }
    const rows = await query(url, "select who, what, why, detail from cloudphoenix.audit");
    expect(rows).toEqual([{ who: "ann", what: "approve", why: "fire", detail: { run: "a" } }]);
    await state.close();
  });
});
