import { samplePlan } from "./sample-plan.ts";
import type { WorkerFixture } from "./worker-fixture.ts";

/** Makes another site the active one, as a run that has ended leaves it. */
export async function moveTo(
  { state: { roles, runs } }: Pick<WorkerFixture, "state">,
  site: string,
): Promise<void> {
  const before = await roles.read();
  const generation = before.generation + 1;
  const run = `run-${generation}`;
  await roles.claim(run, generation, before.active);
  await roles.settle(generation, { active: site, protected: true });
  await runs.create({ plan: samplePlan(run, generation), startedBy: "test", atMs: 1 });
  const ended = { waitingFor: null, question: null, endedAtMs: 2, order: 1 };
  await runs.setStatus(run, { status: "completed", ...ended });
}
