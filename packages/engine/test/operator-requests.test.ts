import { type RunCommand, hasCode } from "@cloudphoenix/core";
import { describe, expect, test } from "vitest";
import { REQUEST, leadingLoop } from "./loop-simulation.ts";
import { A, B } from "./simulation.ts";

/** Nothing is repaired by itself, so that a fault stays. */
const NO_HEALS = { modes: { heal: "observe", region: "auto", dr: "auto" } } as const;

function approval(by: string): RunCommand {
  return { kind: "approve", by, comment: "seen", question: 1 };
}

describe("an operator", () => {
  test("starts a switchover of a healthy application", async () => {
    const simulation = await leadingLoop();

    const plan = await simulation.loop.request({ ...REQUEST, kind: "switchover" });
    await simulation.clock.advance(10_000);
    await simulation.end();

    const run = await simulation.record(plan.id);
    expect(run).toMatchObject({ status: "completed", startedBy: "operator:ann" });
    expect(simulation.events).toContainEqual({ kind: "run-ended", runId: plan.id });
    expect((await simulation.stores.roles.read()).active).toBe(B);
  });

  test("is told every blocker at once, and nothing starts", async () => {
    const simulation = await leadingLoop(NO_HEALS);
    simulation.world.strike((state) => {
      state.sites[B]!.database.running = false;
      state.replication.stalled = true;
    });
    await simulation.clock.advance(20_000);

    const refused = simulation.loop.request({ ...REQUEST, kind: "dr" });

    await expect(refused).rejects.toSatisfy((error: unknown) => hasCode(error, "GUARD_BLOCKED"));
    await expect(refused).rejects.toThrow(/target-ready: .*data-fresh: /s);
    await simulation.end();
    expect(await simulation.runs()).toEqual([]);
  });

  test("cannot agree alone to the move they ask for while moves are frozen", async () => {
    const freezes = [{ fromMs: 0, untilMs: Number.MAX_SAFE_INTEGER, reason: "black friday" }];
    const simulation = await leadingLoop({ freezes });
    const plan = await simulation.loop.request({ ...REQUEST, kind: "switchover" });
    await simulation.clock.advance(2_000);
    expect(plan.steps[0]?.title).toContain("one of them not who started the run");

    await simulation.tell(plan.id, approval("Ann"));
    await simulation.clock.advance(10_000);
    expect(await simulation.record(plan.id)).toMatchObject({
      status: "waiting-approval",
      approvals: [],
    });
    expect(await simulation.texts(plan.id)).toContain(
      "approve by Ann refused: this person started the run, and another one must agree to it",
    );

    await simulation.tell(plan.id, approval("bob"));
    await simulation.clock.advance(20_000);
    await simulation.end();
    expect((await simulation.record(plan.id)).status).toBe("completed");
  });

  test("who asks again for the same run gets no second one", async () => {
    const simulation = await leadingLoop();
    const wanted = {
      ...REQUEST,
      kind: "switchover",
      id: simulation.loop.newRunId("switchover"),
    } as const;
    const plan = await simulation.loop.request(wanted);
    expect(plan.id).toBe(wanted.id);

    const again = simulation.loop.request(wanted);

    await expect(again).rejects.toMatchObject({ code: "ALREADY_RUNNING", retryable: true });
    await expect(again).rejects.toThrow(/of this request is being started/u);
    await simulation.clock.advance(10_000);
    await simulation.end();
    expect((await simulation.runs()).map(({ id }) => id)).toEqual([wanted.id]);
  });

  test("cannot start a second run while one is under way", async () => {
    const simulation = await leadingLoop();
    await simulation.loop.request({ ...REQUEST, kind: "switchover" });

    const second = simulation.loop.request({ ...REQUEST, kind: "switchover" });

    await expect(second).rejects.toThrow(/under way/);
    await simulation.clock.advance(10_000);
    await simulation.end();
    expect(await simulation.runs()).toHaveLength(1);
  });

  test("who accepts a loss is not asked again when it is measured", async () => {
    const simulation = await leadingLoop();
    // Behind, and not broken: one that was seen broken is not promoted, whoever accepts what.
    simulation.world.strike((state) => {
      state.sites[A]!.condition = "dead";
      state.replication.appliedAtMs -= 8_000;
    });
    await simulation.clock.advance(1_000);
    await simulation.loop.maintenance({ on: true, reason: "by hand now", by: "ann" });

    const plan = await simulation.loop.request({ ...REQUEST, kind: "dr", acceptLoss: true });
    await simulation.untilStatus(plan.id, ({ status }) => status === "waiting-approval");
    await simulation.tell(plan.id, { kind: "approve", by: "bob", comment: "", question: 1 });
    await simulation.clock.advance(10_000);
    await simulation.end();

    expect((await simulation.record(plan.id)).status).toBe("completed");
  });

  test("is not told old news about a standby as if it were fresh", async () => {
    const simulation = await leadingLoop();
    await simulation.end();
    await simulation.clock.advance(3_600_000);

    const looking = simulation.loop.planDryRun({ kind: "dr" }, new AbortController().signal);
    await simulation.clock.advance(5_000);
    const { guards } = await looking;

    const ready = guards.find((guard) => guard.guard === "target-ready");
    expect(ready?.outcome).toBe("block");
    expect(ready?.sentence).toContain("has not been seen lately");
  });

  test("sees what a run would do, although guards block it, and nothing changes", async () => {
    const simulation = await leadingLoop(NO_HEALS);
    simulation.world.strike((state) => {
      state.sites[B]!.database.running = false;
    });
    await simulation.clock.advance(5_000);
    const { replication: _before, ...before } = simulation.world.snapshot();

    const looking = simulation.loop.planDryRun(
      { kind: "dr", target: B },
      new AbortController().signal,
    );
    await simulation.clock.advance(5_000);
    const seen = await looking;
    await simulation.end();

    expect(seen.findings).toEqual([]);
    expect(seen.guards.filter((guard) => guard.outcome === "block")).not.toEqual([]);
    expect(seen.steps.map((step) => step.id)).toEqual(seen.plan.steps.map((step) => step.id));
    const { replication: _after, ...after } = simulation.world.snapshot();
    expect(after).toEqual(before);
    expect(await simulation.runs()).toEqual([]);
  });
});
