/** Starts durable runs and talks to them. Implemented by adapters/dbos and, in memory, here. */
import type { Plan, RunCommand } from "@cloudphoenix/core";

export interface PlanRunner {
  /** Starts `plan` under its own id. Starting the same plan again attaches to the run. */
  start(plan: Plan, startedBy: string): Promise<void>;
  /**
   * Delivers a command; the same `key` again is delivered once. A `cancel` also aborts the step
   * in flight. @throws {CloudPhoenixError} `NOT_FOUND` if no such run is alive
   */
  command(runId: string, command: RunCommand, key: string): Promise<void>;
  /** Resolves when the run has ended (or `signal` aborts). */
  ended(runId: string, signal: AbortSignal): Promise<void>;
}

/** At most one controller acts. */
export interface Leadership {
  /** Grows with every change of leader. */
  readonly epoch: number;
  /** Aborts as soon as this process may no longer act. */
  readonly lost: AbortSignal;
}

export interface LeaderElector {
  /** Resolves once this process leads; keeps trying until then or until `signal` aborts. */
  lead(signal: AbortSignal): Promise<Leadership>;
}
