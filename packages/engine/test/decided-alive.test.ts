// Goal: a controller that takes a move over after the disaster never saw the lost site alive. It says
// what the decision knew, and not that the site may have lived until now; where it may have, it does.
import type { FenceDegree, Json, LossBound, StepRecord } from "@cloudphoenix/core";
import { MemoryFactStore } from "@cloudphoenix/engine";
import { describe, expect, test } from "vitest";
import { boundAsDecided } from "../src/steps/decided-alive.ts";
import { Simulation } from "./simulation.ts";

const FENCED_LATER_MS = 20_000;
const BEHIND_MS = 800;

interface Story {
  readonly degree?: FenceDegree;
  readonly fencedAfterMs?: number;
  readonly completeAfterMs?: number;
  readonly asked?: boolean;
  readonly renewals?: number;
}

/** What is told of a site that was dead when the move was decided, long after that. */
async function told(story: Story = {}): Promise<{ told: LossBound; decidedMs: number }> {
  const simulation = new Simulation();
  const plan = simulation.plan("dr", {}, story.asked === true ? 1 : 0);
  const decidedMs = plan.createdAtMs;
  const facts = new MemoryFactStore();
  await facts.put(`run:${plan.id}:alive-until`, { untilMs: decidedMs, renewals: 7 });
  const fence = {
    id: "fence-site",
    result: fenceResult(story),
    endedAtMs: decidedMs + (story.fencedAfterMs ?? FENCED_LATER_MS),
  } as StepRecord;
  const runs = { get: async () => ({ steps: [fence] }) } as never;
  const bound: LossBound = {
    completeUntilMs: decidedMs + (story.completeAfterMs ?? -BEHIND_MS),
    lastAliveAtMs: null,
    boundMs: FENCED_LATER_MS + BEHIND_MS,
    boundBytes: null,
    appliedLsn: "0/1",
  };
  return { told: await boundAsDecided({ facts, runs }, plan, bound), decidedMs };
}

function fenceResult({ degree = "lease-expired", renewals = 7 }: Story): Json {
  return { degree, proofs: [{ means: "lease", degree, detail: "", renewals }] };
}

describe("the loss of a move that somebody else decided", () => {
  test("ends where the lost site may have lived when it was decided, and a moment", async () => {
    const { told: bound, decidedMs } = await told();
    expect(bound.lastAliveAtMs).toBe(decidedMs);
    expect(bound.boundMs).toBe(BEHIND_MS + 1_000);
  });

  test.each<readonly [why: string, story: Story]>([
    ["the site could be reached to confirm its fence", { degree: "confirmed" }],
    ["the site renewed its lease after the decision", { renewals: 8 }],
    ["nothing proves the fence", { degree: "network" }],
    ["the fence came long after the decision", { fencedAfterMs: 120_000 }],
    ["the standby knows of a later sign of life", { completeAfterMs: 1 }],
    ["people were asked before the fence", { asked: true }],
  ])("reaches up to now if %s", async (_why, story) => {
    const { told: bound } = await told(story);
    expect(bound.lastAliveAtMs).toBeNull();
    expect(bound.boundMs).toBe(FENCED_LATER_MS + BEHIND_MS);
  });
});
