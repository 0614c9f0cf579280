/** Writes the report of the run down, where it outlives the run's records. */
import { type Json, type StepAction, CloudPhoenixError, buildReport } from "@cloudphoenix/core";
import type { StepHandler } from "./step-handler.ts";
import type { StepPorts } from "./step-ports.ts";

/** Key of the fact that holds the report of a run. */
export function reportKey(runId: string): string {
  return `run:${runId}:report`;
}

export function reportRun(
  ports: StepPorts,
): StepHandler<Extract<StepAction, { readonly kind: "report" }>> {
  return {
    // An older report of the same run is out of date by definition.
    skipPrecheck: true,
    inspect: async () => ({ current: "no report", intended: "a report is kept", done: false }),
    async run(_action, { plan }) {
      const run = await ports.runs.get(plan.id);
      if (run === null) {
        throw new CloudPhoenixError("NOT_FOUND", `no record of run ${plan.id}`, {
          retryable: true,
        });
      }
      const report: Json = JSON.parse(JSON.stringify(buildReport(run)));
      await ports.facts.put(reportKey(plan.id), report);
      return { key: reportKey(plan.id) };
    },
    async verify(_action, { plan }) {
      const kept = await ports.facts.get(reportKey(plan.id));
      return { ok: kept !== null, detail: kept === null ? "no report" : "the report is kept" };
    },
  };
}
