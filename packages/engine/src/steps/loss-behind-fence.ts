/**
 * The loss itself, where the site that a move leaves answers behind its fence. A region that comes back
 * while it is being left was not seen for a while, so a bound that goes by signs of life counts that
 * while, too; what it holds can be read instead, and does not change any more.
 */
import type { LossBound, LossReport, Plan, SiteId } from "@cloudphoenix/core";
import { withDeadline } from "../waiting/with-deadline.ts";
import { hasConfirmedFence } from "./fence-site.ts";
import type { StepPorts } from "./step-ports.ts";

/** Users wait meanwhile. A backlog that takes longer to read is one that people are asked about. */
const READ_WITHIN_MS = 3_000;

/**
 * `bound` made as small as what is read from `from`, and unchanged where that is not possible: its
 * database did not confirm the fence, does not answer, or keeps that part of its log no longer.
 */
export async function asRead(
  ports: Pick<StepPorts, "clock" | "databases" | "runs">,
  { plan, from, bound }: { readonly plan: Plan; readonly from: SiteId; readonly bound: LossBound },
  signal: AbortSignal,
): Promise<LossBound> {
  const { appliedLsn, boundMs } = bound;
  if (appliedLsn === null || !(await hasConfirmedFence(ports, plan))) return bound;
  const what = `reading what only ${from} has`;
  const lost: LossReport | null = await withDeadline(
    { clock: ports.clock, limitMs: READ_WITHIN_MS, signal, what },
    (limited) => ports.databases.measureLoss(from, appliedLsn, limited),
  ).catch(() => null);
  if (lost === null) return bound;
  const { rpoMs, transactions } = lost;
  return { ...bound, transactions, boundMs: boundMs === null ? rpoMs : Math.min(boundMs, rpoMs) };
}
