/**
 * The loss itself, where the site that a move leaves answers behind its fence. A region that comes back
 * while it is being left was not seen for a while, so a bound that goes by signs of life counts that
 * while, too; what it holds can be read instead, and does not change any more.
 */
import type { LossBound, LossReport, Plan, SiteId } from "@cloudphoenix/core";
import { withDeadline } from "../waiting/with-deadline.ts";
import type { StepPorts } from "./step-ports.ts";

/** Users wait meanwhile. A backlog that takes longer to read is one that people are asked about. */
const READ_WITHIN_MS = 3_000;

/**
 * `bound` made as small as what is read from `from`, and unchanged where that is not possible: its
 * database does not answer, does not confirm the fence, or keeps that part of its log no longer. It is
 * asked for the fence anew: it may have answered only after the fence had been proven otherwise.
 */
export async function asRead(
  { clock, databases }: Pick<StepPorts, "clock" | "databases">,
  { plan, from, bound }: { readonly plan: Plan; readonly from: SiteId; readonly bound: LossBound },
  signal: AbortSignal,
): Promise<LossBound> {
  const { appliedLsn, boundMs } = bound;
  if (appliedLsn === null) return bound;
  const what = `reading what only ${from} has`;
  const lost = await withDeadline(
    { clock, limitMs: READ_WITHIN_MS, signal, what },
    async (limited): Promise<LossReport | null> => {
      const { degree } = await databases.fence(from, plan.generation, limited);
      return degree === "confirmed" ? databases.measureLoss(from, appliedLsn, limited) : null;
    },
  ).catch(() => null);
  if (lost === null) return bound;
  const { rpoMs, transactions } = lost;
  return { ...bound, transactions, boundMs: boundMs === null ? rpoMs : Math.min(boundMs, rpoMs) };
}
