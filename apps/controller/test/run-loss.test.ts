// Goal: measuring the loss of a finished move never takes a site out of service that stands by again.
import { type LossReport, pendingStep, planFor, type RunRecord } from "@cloudphoenix/core";
import { type DatabaseState, MemoryFactStore } from "@cloudphoenix/engine";
import { SIMULATED_APPLICATION, SIMULATED_ROLES } from "@cloudphoenix/testkit";
import { expect, test } from "vitest";
import { measureLossOf } from "../src/composition/run-loss.ts";

const FROM = SIMULATED_ROLES.active;
const { signal } = new AbortController();
const LOSS: LossReport = {
  transactions: 1,
  rowsByTable: { "public.orders": 1 },
  keysByTable: {},
  truncated: false,
  rpoMs: 5,
};

/** A finished failover away from the first site. */
function finished(): RunRecord {
  const plan = planFor({
    id: "run-dr",
    kind: "dr",
    application: SIMULATED_APPLICATION,
    roles: SIMULATED_ROLES,
    target: SIMULATED_APPLICATION.sites.find(({ id }) => id !== FROM)?.id ?? "",
    nowMs: 1,
    reason: "a test",
    approvers: 0,
  });
  const promoted = { ...pendingStep("promote-database"), result: { appliedLsn: "0/10" } };
  return {
    id: plan.id,
    plan,
    status: "completed",
    startedBy: "operator:ann",
    startedAtMs: 1,
    endedAtMs: 2,
    steps: [promoted],
    waitingFor: null,
    question: null,
    approvals: [],
  };
}

/** The old primary in `role`, and how often it was fenced. */
function oldPrimary(role: DatabaseState["role"]): {
  readonly measure: () => Promise<LossReport>;
  readonly fences: number[];
} {
  const fences: number[] = [];
  const state = { site: FROM, role, generation: 2, writesOpen: false } as const;
  const database = {
    inspect: async () => ({ ...state, durability: "async", version: "18" }) as const,
    fence: async (_: string, generation: number) => {
      fences.push(generation);
      return { means: "database", degree: "confirmed", detail: "it refuses writes" } as const;
    },
    measureLoss: async () => LOSS,
  };
  const parts = { database, facts: new MemoryFactStore() };
  return { measure: () => measureLossOf(finished(), parts, signal), fences };
}

test.each(["standby", "unprepared"] as const)(
  "a site that is %s is left as it is",
  async (role) => {
    const { measure, fences } = oldPrimary(role);

    await expect(measure()).rejects.toMatchObject({
      code: "CONFLICT",
      retryable: false,
      message: expect.stringContaining(`${FROM} is ${role}`),
    });
    expect(fences).toEqual([]);
  },
);

test.each(["active", "fenced"] as const)(
  "a returned primary that is %s is fenced for the run's generation and measured",
  async (role) => {
    const { measure, fences } = oldPrimary(role);

    expect(await measure()).toEqual(LOSS);
    expect(fences).toEqual([2]);
  },
);
