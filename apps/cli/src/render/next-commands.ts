/** What an operator may type next at a run: only what it will take. */
import { maySkip, type PlanStep, type RunRecord } from "@cloudphoenix/core";

/** What to type to approve what the run asks now, after the name of the program. */
export function approveCommand({ id, question }: Pick<RunRecord, "id" | "question">): string {
  return `run approve ${id} --question ${question ?? "<number>"}`;
}

/** What to type to end the run; nothing once writes are open, when it would be refused. */
export function cancelCommands(run: RunRecord): readonly string[] {
  const opening = run.plan.steps.find((step) => step.action.kind === "open-writes");
  const status = run.steps.find((record) => record.id === opening?.id)?.status;
  if (status === "done") return [];
  // One that began and failed may have opened all the same; then the run asks the site first.
  const begun = status !== undefined && status !== "pending";
  const note = begun ? "  # refused if writes turn out to be open" : "";
  return [`run cancel ${run.id} --reason "…"${note}`];
}

/** The lines below a run that waits for a person; none if it does not wait. */
export function nextCommands(run: RunRecord): readonly string[] {
  const commands = commandsOf(run);
  if (commands.length === 0) return [];
  return ["", "Next:", ...commands.map((command) => `  cloudphoenix ${command}`)];
}

function commandsOf(run: RunRecord): readonly string[] {
  if (run.status === "waiting-approval") return [approveCommand(run), ...cancelCommands(run)];
  if (run.status === "paused") return [`run resume ${run.id}`, ...cancelCommands(run)];
  if (run.status !== "needs-attention") return [];
  const failed = waitingStep(run);
  return [
    `run retry ${run.id} ${failed?.id ?? "<step>"}`,
    ...(failed === undefined || maySkip(failed.action.kind)
      ? [`run skip ${run.id} ${failed?.id ?? "<step>"} --reason "…"`]
      : []),
    ...cancelCommands(run),
  ];
}

/** The failed step the run waits for. One that is best effort has failed, too, and waits for nobody. */
function waitingStep({ plan, steps, waitingFor }: RunRecord): PlanStep | undefined {
  const failed = plan.steps.filter(
    ({ id, bestEffort }) =>
      !bestEffort && steps.some((record) => record.id === id && record.status === "failed"),
  );
  return failed.find(({ id }) => waitingFor?.startsWith(`step ${id} failed`)) ?? failed[0];
}
