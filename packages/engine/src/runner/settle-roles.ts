/** Records in the role store who is active now, as one journaled step. */
import { type Plan, hasCode, messageOf } from "@cloudphoenix/core";
import type { DurableContext } from "../ports/durable-context.ts";
import { persist } from "./persist.ts";
import type { InterpreterDeps } from "./run-session.ts";

export interface Settlement {
  /** Name of the journaled step. */
  readonly name: string;
  /** The site that holds the writes now. */
  readonly active: string;
  /** Whether another site follows it. Default: after a move none does. */
  readonly protected?: boolean;
}

/**
 * Settles the roles for the generation of `plan`. After a move no other site follows the active
 * one until replication has been set up again, so the application counts as unprotected.
 * Returns why the plan may not settle any more, or null if it did.
 */
export async function settleRoles(
  context: DurableContext,
  deps: InterpreterDeps,
  plan: Plan,
  settlement: Settlement,
): Promise<string | null> {
  return context.step(settlement.name, async () => {
    try {
      const outcome = { active: settlement.active, protected: settlement.protected ?? false };
      await persist(deps.clock, () => deps.roles.settle(plan.generation, outcome));
      return null;
    } catch (error) {
      if (hasCode(error, "STALE_GENERATION")) return messageOf(error);
      throw error;
    }
  });
}
