// Goal: in whatever order the writes of a run arrive, its records end up the same.
// Method: let runs tell every kind of story, then give their writes to an empty store out of order.
import {
  CloudPhoenixError,
  type Plan,
  type RunCommand,
  type RunRecord,
  type StepRecord,
} from "@cloudphoenix/core";
import { MemoryRunStore, type RunStore } from "@cloudphoenix/engine";
import { SeededRandom } from "@cloudphoenix/testkit";
import { describe, expect, test, vi } from "vitest";
import { recordOrder } from "../src/runner/record-order.ts";
import { B, Simulation, statuses } from "./simulation.ts";

type Writes = readonly Parameters<RunStore["putStep"]>[];

interface Story {
  readonly what: string;
  /** The step that fails, and how often: its own tries, then those that undo it. */
  readonly step: string;
  readonly failures: number;
  readonly undoFails?: boolean;
  readonly approvers?: number;
  /** What people say, one after the other, whenever the run waits for them. */
  readonly say: readonly ((plan: Plan) => RunCommand)[];
  readonly ends: RunRecord["status"];
  readonly leaves: StepRecord["status"];
}

const ALWAYS = Number.POSITIVE_INFINITY;
const approve = (): RunCommand => ({
  kind: "approve",
  by: "bob",
  comment: "",
  question: 1,
});
const cancel = (): RunCommand => ({ kind: "cancel", by: "ann", reason: "enough" });

const STORIES: readonly Story[] = [
  {
    what: "goes well",
    step: "switch-traffic",
    failures: 0,
    say: [],
    ends: "completed",
    leaves: "done",
  },
  {
    what: "tries a step again",
    step: "switch-traffic",
    failures: 2,
    say: [],
    ends: "completed",
    leaves: "done",
  },
  {
    what: "waits for approval",
    step: "approval",
    failures: 0,
    approvers: 1,
    say: [approve],
    ends: "completed",
    leaves: "done",
  },
  {
    what: "is told to retry a step, twice",
    step: "switch-traffic",
    failures: 18,
    say: Array.from(
      { length: 2 },
      () => (): RunCommand => ({
        kind: "retry",
        by: "ann",
        step: "switch-traffic",
      }),
    ),
    ends: "completed",
    leaves: "done",
  },
  {
    what: "is told to skip a step",
    step: "switch-traffic",
    failures: ALWAYS,
    say: [() => ({ kind: "skip", by: "ann", step: "switch-traffic", reason: "by hand" })],
    ends: "completed",
    leaves: "skipped",
  },
  {
    what: "is taken back",
    step: "switch-traffic",
    failures: ALWAYS,
    say: [cancel],
    ends: "undone",
    leaves: "undone",
  },
  {
    what: "cannot be taken back",
    step: "switch-traffic",
    failures: ALWAYS,
    undoFails: true,
    say: [cancel],
    ends: "stuck",
    leaves: "undo-failed",
  },
];

describe.each(STORIES)("a move that $what", (story) => {
  test("leaves the same records in whatever order they arrive", async () => {
    const { plan, run, writes } = await told(story);
    expect(run.status).toBe(story.ends);
    expect(statuses(run)[story.step]).toBe(story.leaves);

    const random = new SeededRandom(7);
    for (const late of [writes, writes.toReversed(), ...shuffles(writes, 30, random)]) {
      expect(await arrived(plan, late)).toEqual(run.steps);
    }
    // None is held back that arrives in time.
    for (const { id } of plan.steps) {
      const orders = writes.flatMap(([, record, order]) => (record.id === id ? [order] : []));
      expect(orders).toEqual([...new Set(orders)].toSorted((a, b) => a - b));
    }
  });
});

test("a try that one executor has finished is not running any more because another one got less far", () => {
  expect(recordOrder(2, "tried")).toBeLessThan(recordOrder(2, "ended"));
});

/** Lets a move run as the story tells, and keeps what it wrote. */
async function told(story: Story): Promise<{ plan: Plan; run: RunRecord; writes: Writes }> {
  let left = story.failures;
  const simulation = new Simulation(async (call) => {
    const isUndo = call.action !== call.step.action;
    if (call.step.id !== story.step || (isUndo && story.undoFails !== true)) return call.run();
    left -= 1;
    if (left < 0) return call.run();
    throw new CloudPhoenixError("UNREACHABLE", "made to fail", { retryable: true });
  });
  const written = vi.spyOn(simulation.stores.runs, "putStep");
  const plan = simulation.plan("switchover", {}, story.approvers ?? 0);
  await simulation.runner.start(plan, "operator:ann");
  for (const say of story.say) {
    const asked = await simulation.untilStatus(plan.id, ({ status }) => status !== "running");
    // What is skipped was done by hand.
    simulation.world.strike((state) => {
      if (story.leaves === "skipped") state.traffic.site = B;
    });
    await simulation.tell(plan.id, say(plan));
    await simulation.untilStatus(plan.id, ({ status }) => status !== asked.status);
  }
  const run = await simulation.untilStatus(plan.id, ({ endedAtMs }) => endedAtMs !== null);
  return { plan, run, writes: written.mock.calls };
}

/** The records of a store that was given these writes, one after the other. */
async function arrived(plan: Plan, writes: Writes): Promise<readonly StepRecord[]> {
  const runs = new MemoryRunStore();
  await runs.create({ plan, startedBy: "operator:ann", atMs: 0 });
  for (const write of writes) await runs.putStep(...write);
  return (await runs.get(plan.id))?.steps ?? [];
}

function shuffles(writes: Writes, count: number, random: SeededRandom): readonly Writes[] {
  return Array.from({ length: count }, () =>
    writes
      .map((write) => ({ write, at: random.next() }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ write }) => write),
  );
}
