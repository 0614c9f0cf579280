import type { Roles, RunRecord, RunStatus } from "@cloudphoenix/core";
import { describe, expect, test } from "vitest";
import { type DirectionFacts, directionTo, sameDirection } from "../src/follower/direction.ts";

const ROLES: Roles = { generation: 4, active: "aws", claimedBy: null, protected: true };
const SITES = {
  sites: [{ id: "aws" }, { id: "azure" }],
} as unknown as DirectionFacts["application"];

function facts(more: Partial<DirectionFacts> = {}): DirectionFacts {
  return { application: SITES, to: "azure", roles: ROLES, run: null, quarantined: false, ...more };
}

/** Only what is asked for. */
function run(status: RunStatus): RunRecord {
  return { id: "run-1", status, plan: { kind: "dr" } } as unknown as RunRecord;
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
    "do not flow while the run that claimed the generation is %s, to neither site",
    (status) => {
      const roles = { ...ROLES, claimedBy: "run-1" };
      for (const to of ["aws", "azure"]) {
        const direction = directionTo(facts({ to, roles, run: run(status) }));
        expect(direction).toMatchObject({ kind: "pause", moving: true, to });
        expect(direction).toMatchObject({ reason: expect.stringContaining(`run-1 (${status})`) });
      }
    },
  );

  test("do not flow while nothing is known of the run that claimed the generation", () => {
    const roles = { ...ROLES, claimedBy: "run-1" };
    expect(directionTo(facts({ roles }))).toMatchObject({ kind: "pause", moving: true });
  });

  test("do not flow to a quarantined site", () => {
    const paused = directionTo(facts({ quarantined: true }));
    expect(paused).toMatchObject({ kind: "pause", moving: false });
    expect(paused).toMatchObject({ reason: expect.stringContaining("quarantine show azure") });
  });

  test("have another direction in another generation", () => {
    const one = directionTo(facts());
    const two = directionTo(facts({ roles: { ...ROLES, generation: 5 } }));
    expect(sameDirection(one, one)).toBe(true);
    expect(sameDirection(one, two)).toBe(false);
    expect(sameDirection(one, directionTo(facts({ to: "aws" })))).toBe(false);
  });
});
