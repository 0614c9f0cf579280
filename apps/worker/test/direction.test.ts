import type { Roles, RunRecord, RunStatus, StepStatus } from "@cloudphoenix/core";
import { describe, expect, test } from "vitest";
import {
  type Direction,
  type DirectionFacts,
  directionTo,
  goesOn,
} from "../src/follower/direction.ts";

const ROLES: Roles = { generation: 4, active: "aws", claimedBy: null, protected: true };
const SITES = {
  sites: [{ id: "aws" }, { id: "azure" }],
} as unknown as DirectionFacts["application"];

function facts(more: Partial<DirectionFacts> = {}): DirectionFacts {
  return { application: SITES, to: "azure", roles: ROLES, run: null, quarantined: false, ...more };
}

/** Only what is asked for: a planned move whose fence is as said. */
function run(status: RunStatus, fence: StepStatus = "running"): RunRecord {
  const steps = [
    { id: "approval", action: { kind: "approval" } },
    { id: "drain-objects", action: { kind: "drain-objects" } },
    { id: "fence-site", action: { kind: "fence-site" } },
  ];
  const records = [
    { id: "approval", status: "done" },
    { id: "drain-objects", status: "running" },
    { id: "fence-site", status: fence },
  ];
  return { id: "run-1", status, plan: { steps }, steps: records } as unknown as RunRecord;
}

describe("objects", () => {
  test("flow from the active site to each other one", () => {
    const expected = { kind: "copy", from: "aws", to: "azure", generation: 4 };
    expect(directionTo(facts())).toEqual(expected);
    expect(directionTo(facts({ to: "aws" }))).toEqual({ kind: "none", generation: 4 });
  });

  test("turn round when the application has moved", () => {
    const roles = { ...ROLES, active: "azure", generation: 5, claimedBy: "run-1" };
    const moved = facts({ to: "aws", roles, run: run("completed") });
    const expected = { kind: "copy", from: "azure", to: "aws", generation: 5 };
    expect(directionTo(moved)).toEqual(expected);
  });

  test.each(["running", "waiting-approval", "paused", "needs-attention"] as const)(
    "do not flow once the run that claimed the generation fences and is %s, to neither site",
    (status) => {
      const roles = { ...ROLES, claimedBy: "run-1" };
      for (const to of ["aws", "azure"]) {
        const direction = directionTo(facts({ to, roles, run: run(status) }));
        expect(direction).toMatchObject({ kind: "pause", moving: true, to });
        expect(direction).toMatchObject({ reason: expect.stringContaining(`run-1 (${status})`) });
      }
    },
  );

  test.each(["running", "waiting-approval", "paused", "needs-attention"] as const)(
    "go on flowing while that run is %s and has not begun to fence",
    (status) => {
      const roles = { ...ROLES, generation: 5, claimedBy: "run-1" };
      const before = run(status, "pending");
      expect(directionTo(facts({ roles, run: before }))).toEqual({
        kind: "copy",
        from: "aws",
        to: "azure",
        generation: 5,
      });
      expect(directionTo(facts({ to: "aws", roles, run: before }))).toMatchObject({ kind: "none" });
    },
  );

  test("do not flow for a run that has no fence to wait for, or lost its record", () => {
    const roles = { ...ROLES, claimedBy: "run-1" };
    const lost = { ...run("running", "pending"), steps: [] };
    expect(directionTo(facts({ roles, run: lost }))).toMatchObject({ kind: "pause" });
  });

  test("do not flow while nothing is known of the run that claimed the generation", () => {
    const roles = { ...ROLES, claimedBy: "run-1" };
    expect(directionTo(facts({ roles }))).toMatchObject({ kind: "pause", moving: true });
  });

  test("do not flow to a quarantined site", () => {
    const paused = directionTo(facts({ quarantined: true }));
    expect(paused).toMatchObject({ kind: "pause", moving: false });
    expect(paused).toMatchObject({ reason: expect.stringContaining("quarantine show azure") });
  });

  test("go on under a run that claimed the next generation, and not after there and back", () => {
    const one = directionTo(facts());
    const at = (generation: number): Direction =>
      directionTo(facts({ roles: { ...ROLES, generation } }));
    expect([3, 4, 5, 6].map((generation) => goesOn(one, at(generation)))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(goesOn(one, directionTo(facts({ to: "aws" })))).toBe(false);
    expect(goesOn(one, directionTo(facts({ quarantined: true })))).toBe(false);
  });
});
