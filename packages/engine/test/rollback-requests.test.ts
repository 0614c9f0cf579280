import { messageOf } from "@cloudphoenix/core";
import { describe, expect, test } from "vitest";
import { type LoopSimulation, REQUEST, leadingLoop } from "./loop-simulation.ts";
import { A, B } from "./simulation.ts";

const ROLLBACK = { ...REQUEST, kind: "rollback" } as const;

/** A move that was cancelled while the site it had fenced was gone: it could not be taken back. */
async function stuckMove(): Promise<LoopSimulation> {
  const simulation = await leadingLoop();
  await simulation.loop.maintenance({ on: true, reason: "by hand now", by: "ann" });
  const { id } = await simulation.loop.request({ ...REQUEST, kind: "dr" });
  await simulation.untilStatus(id, ({ steps }) =>
    steps.some((step) => step.id === "fence-site" && step.status === "done"),
  );
  simulation.world.strike((state) => {
    state.sites[A]!.condition = "dead";
  });
  await simulation.tell(id, { kind: "cancel", by: "ann", reason: "it comes back" });
  expect((await simulation.untilStatus(id, (run) => run.endedAtMs !== null)).status).toBe("stuck");
  simulation.world.strike((state) => {
    state.sites[A]!.condition = "alive";
  });
  await simulation.clock.advance(5_000);
  return simulation;
}

/** Lets time pass while `asked` is answered. */
async function answered<T>({ clock }: LoopSimulation, asked: Promise<T>): Promise<T> {
  const [answer] = await Promise.all([asked, clock.advance(5_000)]);
  return answer;
}

/** Why a rollback is refused. */
async function refusal(simulation: LoopSimulation): Promise<unknown> {
  const asked = simulation.loop.request(ROLLBACK);
  return answered(
    simulation,
    asked.then(
      ({ id }) => `${id} was started`,
      (error: unknown) => error,
    ),
  );
}

describe("a rollback", () => {
  test("in calm times starts nothing and leaves the standby alone", async () => {
    const simulation = await leadingLoop();
    const { replication: _before, ...before } = simulation.world.snapshot();

    expect(await refusal(simulation)).toMatchObject({
      code: "GUARD_BLOCKED",
      guards: [{ guard: "move-to-undo", outcome: "block" }],
    });
    await simulation.end();

    expect(await simulation.runs()).toEqual([]);
    const { replication: _after, ...after } = simulation.world.snapshot();
    expect(after).toEqual(before);
  });

  test("in calm times is shown with what stands against it", async () => {
    const simulation = await leadingLoop();

    const looking = simulation.loop.planDryRun({ kind: "rollback" }, new AbortController().signal);
    const { plan, guards } = await answered(simulation, looking);
    await simulation.end();

    expect([plan.from, plan.to]).toEqual([B, A]);
    expect(guards.find(({ outcome }) => outcome === "block")?.sentence).toContain(
      "There is nothing to roll back",
    );
  });

  test("of a move that could not be taken back starts at once, and is refused when it has worked", async () => {
    const simulation = await stuckMove();

    const plan = await answered(simulation, simulation.loop.request(ROLLBACK));
    expect(plan.steps.map(({ id }) => id)).not.toContain("approval");
    const run = await simulation.untilStatus(plan.id, ({ endedAtMs }) => endedAtMs !== null);
    expect([plan.from, plan.to, run.status]).toEqual([B, A, "completed"]);

    expect(messageOf(await refusal(simulation))).toContain("There is nothing to roll back");
    await simulation.end();
  });

  test("asks a person while the active site serves nobody and no run tells of a move", async () => {
    const simulation = await leadingLoop();
    await simulation.loop.maintenance({ on: true, reason: "by hand now", by: "ann" });
    simulation.world.strike((state) => {
      state.sites[A]!.database.writesOpen = false;
    });

    const plan = await answered(simulation, simulation.loop.request(ROLLBACK));
    await simulation.end();

    expect(plan.steps[0]?.action).toMatchObject({ kind: "approval", approvers: 1 });
    expect(plan.steps[0]?.title).toContain(`there is no standby then until ${B} is copied anew`);
  });

  test.each([
    ["a site there is not", { ...ROLLBACK, from: "mars" }, "has no site mars"],
    ["the active site", { ...ROLLBACK, from: A }, `a rollback goes to ${A}`],
    ["a site, though it is no rollback", { ...REQUEST, kind: "dr", from: B }, "dr leaves"],
  ] as const)(
    "that names %s is not understood, and says what to name",
    async (_, wanted, words) => {
      const simulation = await leadingLoop();
      const asked = simulation.loop.request(wanted);
      await expect(asked).rejects.toMatchObject({ code: "BAD_REQUEST", retryable: false });
      await expect(asked).rejects.toThrow(words);
      await simulation.end();
    },
  );
});
