import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildReport, phaseTimes, rtoPhases } from "../src/index.ts";
import type { Json, RunRecord, StepRecord } from "../src/index.ts";
import { planOf } from "./plans.ts";
import { AWS, AZURE, WIDE_SHOP } from "./shop.ts";

/** A finished dr run in which every step took 100 ms. */
function finishedRun(
  change: Partial<RunRecord> = {},
  results: Record<string, Json> = {},
): RunRecord {
  const plan = planOf("dr", { approvers: 1 });
  const steps = plan.steps.map(
    ({ id }, index): StepRecord => ({
      id,
      status: "done",
      attempts: 1,
      startedAtMs: 1_000 + index * 100,
      endedAtMs: 1_100 + index * 100,
      result: results[id] ?? null,
      error: null,
      skipped: null,
    }),
  );
  return {
    id: plan.id,
    plan,
    status: "completed",
    startedBy: "decision",
    startedAtMs: 900,
    endedAtMs: 2_500,
    steps,
    waitingFor: null,
    question: null,
    approvals: [],
    ...change,
  };
}

function without(run: RunRecord, id: string): RunRecord {
  return { ...run, steps: run.steps.filter((step) => step.id !== id) };
}

describe("report", () => {
  const fence = {
    degree: "network",
    proofs: [{ means: "network", degree: "network", detail: "blocked" }],
  };
  const loss = {
    completeUntilMs: 800,
    lastAliveAtMs: 900,
    boundMs: 100,
    boundBytes: "4096",
    appliedLsn: "0/16B3748",
  };

  test("tells who moved where, how long it took, how sure the fence was and what may be lost", () => {
    const report = buildReport(finishedRun({}, { "fence-site": fence, "measure-loss": loss }));
    expect(report).toMatchObject({
      kind: "dr",
      status: "completed",
      generation: 8,
      from: AWS,
      to: AZURE,
      durationMs: 1_600,
      fence,
      loss,
    });
    expect(report.steps[1]).toMatchObject({ id: "fence-site", attempts: 1, durationMs: 100 });
  });

  test("finds the fence inside a result that also asked for approval", () => {
    const asked = { ...fence, approvalNeeded: { approvers: 1, question: "sure?" } };
    expect(buildReport(finishedRun({}, { "fence-site": asked })).fence).toEqual(fence);
  });

  test.each<Json>([null, 7, [], {}, { degree: "sure", proofs: [] }, { degree: "network" }])(
    "takes a fence result of another shape (%j) for not known",
    (result) => {
      expect(buildReport(finishedRun({}, { "fence-site": result })).fence).toBeNull();
    },
  );

  test("keeps what is known of a loss with gaps, and says nothing of none", () => {
    const some = buildReport(finishedRun({}, { "measure-loss": { boundMs: 7, boundBytes: 9 } }));
    expect(some.loss).toMatchObject({ boundMs: 7, boundBytes: null, appliedLsn: null });
    expect(buildReport(finishedRun({}, { "measure-loss": {} })).loss).toBeNull();
  });

  test("names the objects that rows point to and the new site lacks", () => {
    const application = { ...WIDE_SHOP, objects: { rpoMs: 60_000 } };
    const plan = planOf("dr", { application });
    const settled = { copied: 3, left: null, referenced: 40, missing: 1, missingKeys: ["a/7", 8] };
    const report = (results: Record<string, Json>) => {
      const run = finishedRun({}, results);
      const steps = [
        ...run.steps,
        { ...run.steps[0]!, id: "settle-objects", result: results["settle-objects"] ?? null },
      ];
      return buildReport({ ...run, plan, steps }).objects;
    };
    expect(
      report({
        "settle-objects": settled,
        "measure-loss": { objectsBoundMs: 700, objectsNeedPerson: 2 },
      }),
    ).toEqual({
      boundMs: 700,
      needPerson: 2,
      copied: 3,
      left: null,
      referenced: 40,
      allRows: true,
      missing: 1,
      missingKeys: ["a/7"],
      detail: null,
    });
    expect(report({ "settle-objects": settled })).toMatchObject({
      boundMs: null,
      needPerson: null,
    });
    const cut = { ...settled, allRows: false, detail: "there was no time" };
    expect(report({ "settle-objects": cut })).toMatchObject({
      allRows: false,
      detail: "there was no time",
    });
    expect(report({})).toBeNull();
    expect(report({ "settle-objects": { copied: "3" } })).toBeNull();
  });

  test("of a run under way lists what has not begun", () => {
    const run = without(finishedRun({ status: "running", endedAtMs: null }), "report");
    const report = buildReport(run);
    expect(report.durationMs).toBeNull();
    expect(report.steps.at(-1)).toMatchObject({ id: "report", status: "pending", attempts: 0 });
  });
});

describe("phase times", () => {
  test("are the ends of approval, fence, verification, and of switch and opening together", () => {
    expect(phaseTimes(finishedRun())).toEqual({
      startedAtMs: 1_100,
      fencedAtMs: 1_200,
      verifiedAtMs: 1_700,
      openedAtMs: 1_900,
    });
  });

  test("writes are not open before both the switch and the opening are done", () => {
    expect(phaseTimes(without(finishedRun(), "open-writes")).openedAtMs).toBeNull();
    expect(phaseTimes(without(finishedRun(), "switch-traffic")).openedAtMs).toBeNull();
  });

  test("a run without approval starts when it starts", () => {
    expect(phaseTimes(without(finishedRun(), "approval")).startedAtMs).toBe(900);
  });

  test("a failed step is no milestone", () => {
    const run = finishedRun();
    const steps = run.steps.map((step) =>
      step.id === "fence-site" ? { ...step, status: "failed" as const } : step,
    );
    expect(phaseTimes({ ...run, steps }).fencedAtMs).toBeNull();
  });
});

describe("recovery time", () => {
  test("is split by what it was spent on", () => {
    expect(
      rtoPhases({
        faultAtMs: 0,
        detectedAtMs: 1_000,
        startedAtMs: 1_500,
        fencedAtMs: 2_000,
        verifiedAtMs: 3_000,
        openedAtMs: 3_200,
        firstWriteAtMs: 4_000,
      }),
    ).toEqual({
      detect: 1_000,
      decide: 500,
      fence: 500,
      recover: 1_000,
      switch: 200,
      converge: 800,
      total: 4_000,
    });
  });

  test("a milestone that is missing takes no time, one out of order is moved", () => {
    expect(
      rtoPhases({
        faultAtMs: 100,
        detectedAtMs: 50,
        startedAtMs: null,
        fencedAtMs: 300,
        verifiedAtMs: 200,
        openedAtMs: 900,
        firstWriteAtMs: 500,
      }),
    ).toEqual({
      detect: 0,
      decide: 0,
      fence: 200,
      recover: 0,
      switch: 200,
      converge: 0,
      total: 400,
    });
  });

  test("its parts are never negative and add up exactly, whatever the instants", () => {
    const instant = fc.option(fc.integer({ min: -10_000, max: 10_000 }));
    const known = fc.integer({ min: -10_000, max: 10_000 });
    fc.assert(
      fc.property(
        fc.record({
          faultAtMs: known,
          detectedAtMs: instant,
          startedAtMs: instant,
          fencedAtMs: instant,
          verifiedAtMs: instant,
          openedAtMs: instant,
          firstWriteAtMs: known,
        }),
        (instants) => {
          const { total, ...parts } = rtoPhases(instants);
          for (const part of Object.values(parts)) expect(part).toBeGreaterThanOrEqual(0);
          expect(Object.values(parts).reduce((sum, part) => sum + part, 0)).toBe(total);
          expect(total).toBe(Math.max(0, instants.firstWriteAtMs - instants.faultAtMs));
        },
      ),
    );
  });
});
