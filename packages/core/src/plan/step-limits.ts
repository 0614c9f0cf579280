/** How long each kind of step may take and how often it is tried. */

import type { RetryPolicy, StepAction, StepKind } from "../plan.ts";

export interface StepLimits {
  /** Limit of one try. */
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
}

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
const ONCE: RetryPolicy = { attempts: 1, backoffMs: 0, backoffMaxMs: 0 };

/**
 * Steps inside the outage try again quickly, because every second of backoff is downtime. What
 * only looks is tried for long: looking again is free, giving up is not.
 */
const LIMITS: Readonly<Record<Exclude<StepKind, "pause">, StepLimits>> = {
  // Approvals wait over a weekend; after a week the situation they were asked for is gone.
  approval: { timeoutMs: 7 * DAY_MS, retry: ONCE },
  "fence-site": limits(3, [3, 250, 1_000]),
  "unfence-site": limits(30, [5, 500, 5_000]),
  // It only looks, but at the target's database, which may just be replaying its log.
  "measure-loss": limits(5, [40, 250, 2_000]),
  "drain-replication": limits(60, [3, 500, 5_000]),
  // Nobody waits for it to write, but somebody wants to move: whoever cannot wait longer skips it.
  "drain-objects": limits(1_800, [1, 0, 0]),
  // Longer, each try waiting for the lock, than a database leaves it to a controller that vanished.
  "promote-database": limits(30, [5, 500, 5_000]),
  "restart-database": limits(60, [3, 1_000, 5_000]),
  "scale-workload": limits(30, [5, 500, 5_000]),
  "restart-workload": limits(60, [3, 1_000, 5_000]),
  // Pods and connection pools need a moment: about a minute of looking, often at first.
  "verify-site": limits(5, [40, 250, 2_000]),
  "switch-traffic": limits(10, [8, 250, 4_000]),
  // Longer where a lease may have to run out first (`plan-for.ts`).
  "open-writes": limits(10, [8, 250, 4_000]),
  // Resolvers may hold an answer for minutes beyond its TTL: about ten minutes of looking.
  "verify-convergence": limits(30, [70, 500, 10_000]),
  // Nobody waits for it to write. It keeps its own time, at most an hour to copy and an hour to look
  // at rows, and answers with what it knows: this is for one that hangs.
  "settle-objects": limits(7_500, [2, 1_000, 5_000]),
  "record-salvage": limits(10, [3, 500, 2_000]),
  // Both read whole tables: the larger the data, the longer, and nobody waits for them to write.
  "rejoin-site": limits(3_600, [3, 1_000, 10_000]),
  "compare-sites": limits(3_600, [3, 1_000, 10_000]),
  "admit-site": limits(10, [5, 500, 5_000]),
  notify: limits(10, [3, 1_000, 5_000]),
  report: limits(10, [3, 1_000, 5_000]),
};

/** The limits a step with this action gets unless the plan says otherwise. */
export function limitsOf(action: StepAction): StepLimits {
  if (action.kind === "pause") return { timeoutMs: action.durationMs + SECOND_MS, retry: ONCE };
  return LIMITS[action.kind];
}

function limits(
  timeoutSeconds: number,
  [attempts, backoffMs, backoffMaxMs]: readonly [number, number, number],
): StepLimits {
  return { timeoutMs: timeoutSeconds * SECOND_MS, retry: { attempts, backoffMs, backoffMaxMs } };
}
