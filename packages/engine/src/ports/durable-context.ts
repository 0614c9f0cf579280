/**
 * The one seam between the plan interpreter and a durable engine.
 *
 * Invariants every implementation keeps (the contract suite in testkit checks them):
 * 1. A finished `step` never runs again; after a crash its recorded value is returned.
 * 2. A `step` in flight at a crash runs again from its start.
 * 3. `sleep` ends at the instant fixed before the crash, not later.
 * 4. A command handed out by `receive` is handed out once, and again only on replay.
 * 5. `branches` start in the given order and each is journaled on its own.
 * The interpreter must call these in the same order on every replay; everything it decides may
 * depend only on the plan and on values returned from here.
 */
import type { Json, Plan, RunCommand } from "@cloudphoenix/core";

export interface DurableContext {
  readonly runId: string;
  /**
   * Runs `work` at most once to completion. `name` is unique within the run.
   * `work` may throw only for defects: expected failures are returned as values.
   * `signal` aborts when this process must stop acting for the run.
   */
  step<T extends Json>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  sleep(ms: number): Promise<void>;
  /** The next operator command, in order of arrival; null if none comes within `timeoutMs`. */
  receive(timeoutMs: number): Promise<RunCommand | null>;
  /** Runs each named step of the plan as a branch of its own and returns their outcomes in order. */
  branches(plan: Plan, stepIds: readonly string[]): Promise<readonly Json[]>;
}
