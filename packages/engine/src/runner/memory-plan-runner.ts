/**
 * Plan runner without a database, for simulations and tests.
 *
 * 1. All that must outlive it is in the `MemoryJournal` and the stores: a new runner on the same
 *    journal goes on where the old one died.
 * 2. After `halt` nothing it started records anything any more, as after kill -9.
 */
import { CloudPhoenixError, type Plan, type RunCommand } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { PlanRunner } from "../ports/plan-runner.ts";
import { type JournalMoment, type RunProcess, memoryContext } from "./memory-context.ts";
import type { JournaledRun, MemoryJournal } from "./memory-journal.ts";
import type { RunProgram } from "./run-program.ts";

/** Where the process is to die: around the n-th operation it performs itself, from 1. */
export interface CrashPoint {
  readonly operation: number;
  readonly moment: JournalMoment;
}

export interface MemoryPlanRunnerOptions {
  readonly clock: Clock;
  readonly program: RunProgram;
  readonly journal: MemoryJournal;
  /** Only for tests. */
  readonly crashAt?: CrashPoint;
}

export class MemoryPlanRunner implements PlanRunner {
  readonly #clock: Clock;
  readonly #program: RunProgram;
  readonly #journal: MemoryJournal;
  readonly #crashAt: CrashPoint | undefined;
  readonly #gone = new AbortController();
  readonly #processes = new Map<string, RunProcess>();
  readonly #ends = new Map<string, PromiseWithResolvers<void>>();
  #operations = 0;

  constructor(options: MemoryPlanRunnerOptions) {
    this.#clock = options.clock;
    this.#program = options.program;
    this.#journal = options.journal;
    this.#crashAt = options.crashAt;
  }

  /** Operations performed by this runner so far, replayed ones not counted. */
  get operations(): number {
    return this.#operations;
  }

  /** Whether the runner has died at its crash point or was halted. */
  get halted(): boolean {
    return this.#gone.signal.aborted;
  }

  async start(plan: Plan, startedBy: string): Promise<void> {
    const run = this.#journal.open(plan, startedBy);
    if (!run.ended) this.#launch(run);
  }

  async command(runId: string, command: RunCommand, key: string): Promise<void> {
    const run = this.#journal.find(runId);
    if (run === undefined || run.ended) throw noSuchRun(runId);
    if (run.commandKeys.has(key)) return;
    run.commandKeys.add(key);
    run.commands.push(command);
    const process = this.#processes.get(runId);
    if (process === undefined) return;
    if (command.kind === "cancel") for (const step of process.inFlight) step.abort();
    for (const wake of process.arrivals) wake();
  }

  async ended(runId: string, signal: AbortSignal): Promise<void> {
    const run = this.#journal.find(runId);
    if (run === undefined) throw noSuchRun(runId);
    if (run.ended || signal.aborted) return;
    const aborted = Promise.withResolvers<void>();
    const abort = (): void => aborted.resolve();
    signal.addEventListener("abort", abort, { once: true });
    await Promise.race([this.#end(runId).promise, aborted.promise]);
    signal.removeEventListener("abort", abort);
  }

  /** Goes on with every run of the journal that has not ended. */
  recover(): void {
    for (const run of this.#journal.unfinished()) this.#launch(run);
  }

  /** Stops at once and records nothing more, as kill -9 would. */
  halt(): void {
    this.#gone.abort();
  }

  #launch(run: JournaledRun): void {
    const runId = run.plan.id;
    if (this.#processes.has(runId)) return;
    const process: RunProcess = {
      run,
      clock: this.#clock,
      gone: this.#gone.signal,
      inFlight: new Set(),
      arrivals: new Set(),
      passed: (moment) => this.#passed(moment),
      executeBranch: this.#program.executeBranch,
    };
    this.#processes.set(runId, process);
    const end = this.#end(runId);
    // A run that nobody waits for still ends; whoever waits gets the defect.
    end.promise.catch(() => undefined);
    void this.#run(process, end);
  }

  async #run(process: RunProcess, end: PromiseWithResolvers<void>): Promise<void> {
    const { run } = process;
    try {
      await this.#program.interpret(memoryContext(process, ""), run.plan, run.startedBy);
      run.ended = true;
      end.resolve();
    } catch (defect) {
      end.reject(defect);
    }
  }

  #passed(moment: JournalMoment): void {
    if (moment === "before") this.#operations += 1;
    const at = this.#crashAt;
    if (at?.moment === moment && at.operation === this.#operations) this.halt();
  }

  #end(runId: string): PromiseWithResolvers<void> {
    const existing = this.#ends.get(runId);
    if (existing !== undefined) return existing;
    const created = Promise.withResolvers<void>();
    this.#ends.set(runId, created);
    return created;
  }
}

function noSuchRun(runId: string): CloudPhoenixError {
  return new CloudPhoenixError("NOT_FOUND", `no run ${runId} is alive`, {
    retryable: false,
    hint: "List the runs and use the id of one that has not ended.",
  });
}
