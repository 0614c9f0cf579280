/** What is kept beside a run: when its reason was first seen, and what it lost. */

import { detectionKey, type FactStore } from "@cloudphoenix/engine";
import { lossReportSchema, type RunFacts } from "./schemas/run-schema.ts";

/** Key of the fact that holds the exact loss of a run. */
export function lossKey(runId: string): string {
  return `run:${runId}:loss`;
}

/** The facts of the run `id`. */
export async function runFacts(facts: Pick<FactStore, "get">, id: string): Promise<RunFacts> {
  const [detected, kept] = await Promise.all([facts.get(detectionKey(id)), facts.get(lossKey(id))]);
  const loss = lossReportSchema.safeParse(kept);
  return {
    detectedAtMs: typeof detected === "number" ? detected : null,
    loss: loss.success ? loss.data : null,
  };
}
