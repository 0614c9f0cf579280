/**
 * The journal of all runs, as the state database keeps it for every controller.
 *
 * Two executors may run the same plan at the same time, because one of them was frozen and does
 * not know it was replaced. Whoever records an operation first is right; the other is told, and
 * stops: that is how the durable engine behaves on a conflict.
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
   * Records operation `index` of a fiber.
   * @returns null if it was recorded now, or what somebody else had recorded there
   */
  record(
    run: SharedRun,
    at: { readonly fiber: string; readonly index: number },
    entry: JournalRecord,
  ): JournalRecord | null {
    const fiber = this.#fiber(run, at.fiber);
    const existing = fiber[at.index];
    if (existing !== undefined && (existing.text !== null || entry.text === null)) {
      // The answer to the same request may have been lost.
      return existing.by === entry.by ? null : existing;
    }
    fiber[at.index] = entry;
    return null;
  }

  /** Hands out the next command and records that it was taken, in one act. */
  take(
    run: SharedRun,
    at: { readonly fiber: string; readonly index: number },
    { last, by }: { readonly last: boolean; readonly by: string },
  ): JournalRecord | "nothing-yet" {
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
