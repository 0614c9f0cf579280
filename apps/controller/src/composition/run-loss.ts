/** The exact loss of a finished move, read from the old primary once it can be read again. */

import {
  CloudPhoenixError,
  type Json,
  type LossReport,
  type RunRecord,
  type SiteId,
} from "@cloudphoenix/core";
import type { DatabaseControl, FactStore } from "@cloudphoenix/engine";
import { lossKey } from "../api/run-facts.ts";

interface LossParts {
  readonly database: Pick<DatabaseControl, "fence" | "inspect" | "measureLoss">;
  readonly facts: FactStore;
}

/**
 * Fences the returned old primary (whatever it accepted from now on would count as lost), reads
 * the loss and keeps it as a fact of the run. Idempotent.
 * @throws {CloudPhoenixError} `CONFLICT` if the run did not promote, or the site is no old primary
 *   any more; and what the database throws
 */
export async function measureLossOf(
  run: RunRecord,
  { database, facts }: LossParts,
  signal: AbortSignal,
): Promise<LossReport> {
  const appliedLsn = appliedLsnOf(run);
  if (appliedLsn === null) {
    throw new CloudPhoenixError("CONFLICT", `run ${run.id} promoted no database`, {
      retryable: false,
      hint: "Name the run of a finished move; `cloudphoenix runs` lists them.",
    });
  }
  await refuseFollower(run.plan.from, database, signal);
  const proof = await database.fence(run.plan.from, run.plan.generation, signal);
  if (proof.degree !== "confirmed") {
    throw new CloudPhoenixError(
      "UNREACHABLE",
      `${run.plan.from} could not be fenced, so its log is not final: ${proof.detail}`,
      { retryable: true, hint: "Bring its database back, reachable but closed to users." },
    );
  }
  const loss = await database.measureLoss(run.plan.from, appliedLsn, signal);
  await facts.put(lossKey(run.id), { ...loss } satisfies Json);
  return loss;
}

/** A site that follows again has given its tail up; fencing it would take the standby away. */
async function refuseFollower(
  site: SiteId,
  database: LossParts["database"],
  signal: AbortSignal,
): Promise<void> {
  const { role } = await database.inspect(site, signal);
  if (role === "active" || role === "fenced") return;
  throw new CloudPhoenixError(
    "CONFLICT",
    `${site} is ${role} and holds nothing of its own any more; it is left as it is`,
    {
      retryable: false,
      hint: "Measure before the site rejoins; what people decided is in the run of the rejoin.",
    },
  );
}

/** How far the old primary had been applied, as the promotion recorded it. */
function appliedLsnOf(run: RunRecord): string | null {
  const step = run.plan.steps.find(({ action }) => action.kind === "promote-database");
  const result = run.steps.find(({ id }) => id === step?.id)?.result;
  if (typeof result !== "object" || result === null || !("appliedLsn" in result)) return null;
  const { ["appliedLsn"]: appliedLsn } = result;
  return typeof appliedLsn === "string" ? appliedLsn : null;
}
