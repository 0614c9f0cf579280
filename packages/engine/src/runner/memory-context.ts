/**
 * The durable context of the in-memory runner. Keeps the five invariants of `DurableContext`;
 * values pass through JSON, as they would in a database.
 */
import type { Json, Plan, RunCommand } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { DurableContext } from "../ports/durable-context.ts";
import type { RunProgram } from "./run-program.ts";
import { type JournalEntry, type JournaledRun, replayed } from "./memory-journal.ts";

/** What a context shares with the process that runs it. */
export interface RunProcess {
  readonly run: JournaledRun;
  readonly clock: Clock;
  /** Aborts when the process is gone; nothing is recorded after that. */
  readonly gone: AbortSignal;
  /** One per step in flight; a cancel aborts them. */
  readonly inFlight: Set<AbortController>;
  /** Called at each moment of each new operation; may end the process. */
  readonly passed: (moment: JournalMoment) => void;
  /** Wakes waits for commands. */
  readonly arrivals: Set<() => void>;
  readonly executeBranch: RunProgram["executeBranch"];
}

/** Where a process can die around one operation. */
export type JournalMoment = "before" | "unrecorded" | "recorded";

/** Creates the context of the run itself (`fiber` is `""`) or of one of its branches. */
export function memoryContext(process: RunProcess, fiber: string): DurableContext {
  return new MemoryContext(process, fiber);
}

class MemoryContext implements DurableContext {
  readonly runId: string;
  readonly #process: RunProcess;
  readonly #entries: JournalEntry[];
  #index = 0;

  constructor(process: RunProcess, fiber: string) {
    const { run } = process;
    this.#process = process;
    this.runId = run.plan.id;
    this.#entries = run.fibers.get(fiber) ?? [];
    run.fibers.set(fiber, this.#entries);
  }

  async step<T extends Json>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#operation<T>({ name, lastsMs: null }, () => this.#tracked(work));
  }

  async sleep(ms: number): Promise<void> {
    await this.#operation({ name: "sleep", lastsMs: ms }, async (untilMs) => {
      await this.#process.clock.sleep(Math.max(0, untilMs - this.#process.clock.now()));
      return null;
    });
  }

  async receive(timeoutMs: number): Promise<RunCommand | null> {
    const { run } = this.#process;
    const position = await this.#operation({ name: "receive", lastsMs: timeoutMs }, (untilMs) =>
      this.#nextCommand(untilMs),
    );
    return typeof position === "number" ? (run.commands[position] ?? null) : null;
  }

  async branches(plan: Plan, stepIds: readonly string[]): Promise<readonly Json[]> {
    const { executeBranch } = this.#process;
    return Promise.all(
      stepIds.map((id) => executeBranch(memoryContext(this.#process, id), plan, id)),
    );
  }

  async #operation<T extends Json>(
    kind: { readonly name: string; readonly lastsMs: number | null },
    perform: (untilMs: number) => Promise<T>,
  ): Promise<T> {
    const { clock } = this.#process;
    const index = this.#index;
    this.#index += 1;
    let entry = replayed(this.#entries, index, kind.name);
    if (entry?.text !== undefined) return JSON.parse(entry.text);
    await this.#pass("before");
    if (entry === null) {
      const untilMs = kind.lastsMs === null ? null : clock.now() + kind.lastsMs;
      entry = { name: kind.name, untilMs, text: undefined };
      this.#entries.push(entry);
    }
    const text = JSON.stringify(await perform(entry.untilMs ?? 0));
    await this.#pass("unrecorded");
    // Taking a command and recording that it was taken is one act: a crash cannot lose it.
    if (kind.name === "receive" && text !== "null") this.#process.run.taken += 1;
    entry.text = text;
    await this.#pass("recorded");
    return JSON.parse(text);
  }

  /** Stops here for good once the process is gone. */
  async #pass(moment: JournalMoment): Promise<void> {
    if (!this.#process.gone.aborted) this.#process.passed(moment);
    if (this.#process.gone.aborted) await new Promise<never>(() => undefined);
  }

  async #tracked<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { inFlight, gone } = this.#process;
    const controller = new AbortController();
    inFlight.add(controller);
    try {
      return await work(AbortSignal.any([controller.signal, gone]));
    } finally {
      inFlight.delete(controller);
    }
  }

  /** The position of the next command once there is one; null at `untilMs`. */
  async #nextCommand(untilMs: number): Promise<number | null> {
    const { run, clock, arrivals } = this.#process;
    const isThere = (): boolean => run.commands.length > run.taken;
    if (!isThere() && untilMs > clock.now()) {
      const woken = Promise.withResolvers<null>();
      const stop = new AbortController();
      const wake = (): void => woken.resolve(null);
      arrivals.add(wake);
      const timeout = clock.sleep(untilMs - clock.now(), stop.signal).catch(() => undefined);
      await Promise.race([woken.promise, timeout]);
      arrivals.delete(wake);
      stop.abort();
    }
    return isThere() ? run.taken : null;
  }
}
