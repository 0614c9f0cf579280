import type { Plan, RunRecord } from "@cloudphoenix/core";
import { BlockedRequest, type DecisionLoop, type RunStore } from "@cloudphoenix/engine";
import { expect, test, vi } from "vitest";
import { EngineControlRoom } from "../src/composition/engine-control-room.ts";

const ROLLBACK = { kind: "rollback", target: undefined, acceptLoss: false } as const;
const NAMED = { ...ROLLBACK, from: "azure-westeurope" };
const BLOCKER = { guard: "move-to-undo", outcome: "block", sentence: "Nothing." } as const;

function roomOf(loop: Partial<DecisionLoop>, runs: Partial<RunStore> = {}): EngineControlRoom {
  return new EngineControlRoom({ epoch: 1, loop, runs } as unknown as ConstructorParameters<
    typeof EngineControlRoom
  >[0]);
}

test("an order is refused by the guards that were asked for it, not by an older look", async () => {
  const request = vi.fn(() =>
    Promise.reject(new BlockedRequest("rollback", { blocked: [BLOCKER] })),
  );
  const room = roomOf({ request });

  const outcome = await room.order({ ...NAMED, reason: "stuck", by: "ada" });

  expect(outcome).toEqual({ kind: "blocked", guards: [BLOCKER], findings: [] });
  expect(request).toHaveBeenCalledWith({
    kind: "rollback",
    from: "azure-westeurope",
    acceptLoss: false,
    reason: "stuck",
    by: "ada",
  });
});

test("a dry run is judged as the order will be, with the loss that is accepted", async () => {
  const seen = { plan: null, findings: [], guards: [], steps: [] };
  const planDryRun = vi.fn(() => Promise.resolve(seen as never));
  const signal = new AbortController().signal;

  expect(await roomOf({ planDryRun }).dryRun({ ...NAMED, acceptLoss: true }, signal)).toBe(seen);

  expect(planDryRun).toHaveBeenCalledWith(
    { kind: "rollback", from: "azure-westeurope", acceptLoss: true },
    signal,
  );
});

test("an order is answered once its run can be asked for", async () => {
  const record = { id: "run-1", startedBy: "operator:ada" } as RunRecord;
  const get = vi
    .fn()
    .mockResolvedValueOnce(null)
    .mockResolvedValueOnce(null)
    .mockResolvedValue(record);
  const plan = { id: "run-1", createdAtMs: 1, steps: [] } as unknown as Plan;
  const room = roomOf({ request: () => Promise.resolve(plan) }, { get });

  expect(await room.order({ ...NAMED, reason: "stuck", by: "ada" })).toEqual({
    kind: "started",
    run: record,
  });
  expect(get).toHaveBeenCalledTimes(3);
});
