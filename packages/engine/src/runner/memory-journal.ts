/**
 * The journal of the in-memory runner. It lives outside the runner, so that a test can throw the
 * runner away, as a crash would, and let a new one replay the same journal.
 */
import { CloudPhoenixError, type Plan, type RunCommand } from "@cloudphoenix/core";

/** One call on the durable context. */
export interface JournalEntry {
  readonly name: string;
  /** When a sleep or a receive ends; null for steps. Fixed before the wait begins. */
  readonly untilMs: number | null;
  /** The recorded value as JSON text; `undefined` while the operation is in flight. */
  text: string | undefined;
}

export interface JournaledRun {
  readonly plan: Plan;
  readonly startedBy: string;
  /** Entries of the run itself under `""`, of its branches under their step id. */
  readonly fibers: Map<string, JournalEntry[]>;
  readonly commands: RunCommand[];
  readonly commandKeys: Set<string>;
  /** Commands handed out so far. */
  taken: number;
  ended: boolean;
}

export class MemoryJournal {
  readonly #runs = new Map<string, JournaledRun>();

  /** Adds a run; an existing one stays as it is. */
  open(plan: Plan, startedBy: string): JournaledRun {
    const existing = this.#runs.get(plan.id);
    if (existing !== undefined) return existing;
    const run: JournaledRun = {
      plan,
      startedBy,
      fibers: new Map(),
      commands: [],
      commandKeys: new Set(),
      taken: 0,
      ended: false,
    };
    this.#runs.set(plan.id, run);
    return run;
  }

  find(runId: string): JournaledRun | undefined {
    return this.#runs.get(runId);
  }

  /** Runs that have not ended, oldest first. */
  unfinished(): readonly JournaledRun[] {
    return [...this.#runs.values()].filter((run) => !run.ended);
  }
}

/**
 * The entry at `index` of `fiber`, or null if the run has not come that far.
 * @throws {CloudPhoenixError} `INTERNAL` if the journal holds another operation there: then the
 *   interpreter decided something from outside the journal
 */
export function replayed(
  fiber: readonly JournalEntry[],
  index: number,
  name: string,
): JournalEntry | null {
  const entry = fiber[index];
  if (entry === undefined) return null;
  if (entry.name !== name) {
    throw new CloudPhoenixError(
      "INTERNAL",
      `replay diverged at operation ${index}: recorded ${entry.name}, now ${name}`,
      { retryable: false },
    );
  }
  return entry;
}
