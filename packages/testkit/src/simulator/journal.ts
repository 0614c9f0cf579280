/**
 * The journal of all runs, as the state database keeps it for every controller.
 *
 * Two executors may run the same plan at the same time, because one of them was frozen and does
 * not know it was replaced. Whoever picked a run up last owns it; another one that wants to record
 * something is told, and stops: that is how the durable engine hands a run over.
 */
import type { Plan, RunCommand } from "@cloudphoenix/core";

export interface JournalRecord {
  readonly name: string;
  /** When a wait ends, on the clock of whoever began it; null for steps. */
  readonly untilMs: number | null;
  /** The recorded value as JSON; null while a wait is under way. */
  readonly text: string | null;
  /** Which execution recorded it. */
  readonly by: string;
}

export interface SharedRun {
  readonly plan: Plan;
  readonly startedBy: string;
  readonly fibers: Map<string, JournalRecord[]>;
  readonly commands: RunCommand[];
  readonly commandKeys: Set<string>;
  taken: number;
  ended: boolean;
  /** Which execution picked it up last; null before the first. */
  owner: string | null;
}

export class SharedJournal {
  readonly #runs = new Map<string, SharedRun>();

  /** Adds a run; an existing one stays as it is. */
  open(plan: Plan, startedBy: string): SharedRun {
    const existing = this.#runs.get(plan.id);
    if (existing !== undefined) return existing;
    const run: SharedRun = {
      plan,
      startedBy,
      fibers: new Map(),
      commands: [],
      commandKeys: new Set(),
      taken: 0,
      ended: false,
      owner: null,
    };
    this.#runs.set(plan.id, run);
    return run;
  }

  find(runId: string): SharedRun | undefined {
    return this.#runs.get(runId);
  }

  unfinished(): readonly SharedRun[] {
    return [...this.#runs.values()].filter((run) => !run.ended);
  }

  /**
   * Hands the run from the execution `before` to the execution `by`, with everything that was recorded
   * of it; null if yet another one has it by now. A request that is repeated, or arrives late, changes nothing.
   */
  pickUp(
    run: SharedRun,
    { before, by }: { readonly before: string | null; readonly by: string },
  ): ReadonlyMap<string, readonly JournalRecord[]> | null {
    if (run.owner !== before && run.owner !== by) return null;
    run.owner = by;
    return new Map([...run.fibers].map(([name, entries]) => [name, [...entries]]));
  }

  /**
   * Records operation `index` of a fiber; what is there stays, for the answer to the same request may
   * have been lost.
   * @returns whether whoever records it owns the run
   */
  record(
    run: SharedRun,
    at: { readonly fiber: string; readonly index: number },
    entry: JournalRecord,
  ): boolean {
    if (run.owner !== entry.by) return false;
    const fiber = this.#fiber(run, at.fiber);
    const existing = fiber[at.index];
    if (existing === undefined || (existing.text === null && entry.text !== null)) {
      fiber[at.index] = entry;
    }
    return true;
  }

  /** Hands out the next command and records that it was taken, in one act. */
  take(
    run: SharedRun,
    at: { readonly fiber: string; readonly index: number },
    { last, by }: { readonly last: boolean; readonly by: string },
  ): JournalRecord | "nothing-yet" | "not-yours" {
    if (run.owner !== by) return "not-yours";
    const fiber = this.#fiber(run, at.fiber);
    const existing = fiber[at.index];
    if (existing !== undefined && existing.text !== null) return existing;
    const there = run.commands.length > run.taken;
    if (!there && !last) return "nothing-yet";
    const text = there ? JSON.stringify(run.commands[run.taken]) : "null";
    if (there) run.taken += 1;
    const entry = { name: "receive", untilMs: existing?.untilMs ?? null, text, by };
    fiber[at.index] = entry;
    return entry;
  }

  #fiber(run: SharedRun, name: string): JournalRecord[] {
    const existing = run.fibers.get(name);
    if (existing !== undefined) return existing;
    const created: JournalRecord[] = [];
    run.fibers.set(name, created);
    return created;
  }
}
