// Goal: a planned move stops nobody's writes for a standby that could not take over, however long
// ago it was asked for and approved.
import type { PlanKind } from "@cloudphoenix/core";
import { describe, expect, test } from "vitest";
import { A, B, Simulation } from "./simulation.ts";

const DAY_MS = 86_400_000;

describe.each<PlanKind>(["switchover", "failback"])("a %s that is approved a day later", (kind) => {
  test("leaves the writer alone while the standby does not follow, and goes on when it does", async () => {
    const simulation = new Simulation();
    const plan = simulation.plan(kind, {}, 1);
    await simulation.runner.start(plan, "operator:ann");
    await simulation.untilStatus(plan.id, ({ status }) => status === "waiting-approval");
    await simulation.clock.advance(DAY_MS);
    simulation.world.strike(({ replication }) => {
      replication.stalled = true;
    });
    await simulation.tell(plan.id, { kind: "approve", by: "bob", comment: "now", question: 1 });
    const stopped = await simulation.untilStatus(
      plan.id,
      ({ status }) => status === "needs-attention",
    );

    expect(stopped.waitingFor).toContain(
      `replication from ${A} to ${B} is broken: the standby does not apply`,
    );
    expect(simulation.world.state.sites[A]?.database.writesOpen).toBe(true);
    expect(simulation.world.effects).not.toContain(`shut ${A}`);

    simulation.world.strike(({ replication }) => {
      replication.stalled = false;
    });
    const failed = stopped.steps.find(({ status }) => status === "failed")?.id ?? "none";
    await simulation.tell(plan.id, { kind: "retry", by: "bob", step: failed });
    const run = await simulation.untilStatus(plan.id, ({ endedAtMs }) => endedAtMs !== null);

    expect(run.status).toBe("completed");
  });
});
