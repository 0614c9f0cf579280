/**
 * A plan runner whose journal is in the state database, across the network: several controllers
 * can pick up the same run, one after the other or, by mistake, at the same time. Like the durable
 * engine it looks now and then for runs that somebody else has who does not lead any more.
 */
import { CloudPhoenixError, type Json, type Plan, type RunCommand } from "@cloudphoenix/core";
import type { Clock, DurableContext, PlanRunner, RunProgram } from "@cloudphoenix/engine";
import type { JournalRecord, SharedJournal, SharedRun } from "./journal.ts";
import type { Process } from "./process.ts";

export interface JournaledRunnerOptions {
  readonly process: Process;
  readonly journal: SharedJournal;
  readonly program: RunProgram;
  /** One statement at the state database. */
  readonly ask: <T>(effect: () => T) => Promise<T>;
  /** Sends `wake` to this process when something arrives for a run; it may get lost. */
  readonly subscribe: (runId: string, wake: (cancelled: boolean) => void) => void;
  readonly announce: (runId: string, cancelled: boolean) => void;
  /** Told the moment the state database has a new run. */
  readonly onStart: (plan: Plan, startedBy: string) => void;
  /** An execution broke off by an error that nothing in the world may cause. */
  readonly onDefect: (runId: string, error: unknown) => void;
  /** Aborts when this process may not act any more; nothing is recorded after that. */
  readonly gone: AbortSignal;
}

const END_POLL_MS = 250;
/** A wake-up may get lost, so a wait for people looks by itself now and then. */
const LOOK_MS = 1_000;
/** How often a leader looks for runs that it does not execute. */
const OWNERLESS_LOOK_MS = 2_000;

export class JournaledRunner implements PlanRunner {
  readonly #options: JournaledRunnerOptions;
  readonly #executions = new Map<string, Execution>();
  #begun = 0;

  constructor(options: JournaledRunnerOptions) {
    this.#options = options;
  }

  async start(plan: Plan, startedBy: string): Promise<void> {
    const { journal, ask } = this.#options;
    const { run, owner } = await ask(() => {
      this.#options.onStart(plan, startedBy);
      return ownedNow(journal.open(plan, startedBy));
    });
    if (!run.ended) this.#execute(run, owner);
  }

  async command(runId: string, command: RunCommand, key: string): Promise<void> {
    const { journal, ask, announce } = this.#options;
    await ask(() => {
      const run = journal.find(runId);
      if (run === undefined || run.ended) throw noSuchRun(runId);
      if (run.commandKeys.has(key)) return;
      run.commandKeys.add(key);
      run.commands.push(command);
      announce(runId, command.kind === "cancel");
    });
  }

  async ended(runId: string, signal: AbortSignal): Promise<void> {
    const { journal, ask, process } = this.#options;
    while (!signal.aborted) {
      const run = await ask(() => journal.find(runId)?.ended ?? null);
      if (run === null) throw noSuchRun(runId);
      if (run) return;
      await process.clock.sleep(END_POLL_MS, signal).catch(() => undefined);
    }
  }

  /** Picks up every run that has not ended, and from now on those that lose whoever executes them. */
  async recover(): Promise<void> {
    for (const { run, owner } of await this.#unfinished()) this.#execute(run, owner);
    void this.#watch();
  }

  /** What two looks in a row find with the same owner, and not executed here, is picked up. */
  async #watch(): Promise<void> {
    const { process, gone } = this.#options;
    let before: ReadonlySet<string> = new Set();
    while (!gone.aborted) {
      await process.clock.sleep(OWNERLESS_LOOK_MS, gone).catch(() => undefined);
      const found = await this.#unfinished().catch(() => []);
      if (gone.aborted) return;
      const elsewhere = found.filter(({ run }) => !this.#isExecuting(run));
      for (const one of elsewhere) if (before.has(nameOf(one))) this.#execute(one.run, one.owner);
      before = new Set(elsewhere.map(nameOf));
    }
  }

  async #unfinished(): Promise<readonly OwnedRun[]> {
    const { journal, ask } = this.#options;
    return ask(() => journal.unfinished().map(ownedNow));
  }

  #isExecuting(run: SharedRun): boolean {
    return this.#executions.get(run.plan.id)?.isOver === false;
  }

  /** `owner`: the execution that has it so far. */
  #execute(run: SharedRun, owner: string | null): void {
    if (this.#isExecuting(run)) return;
    this.#begun += 1;
    const execution = new Execution(this.#options, run, this.#begun);
    this.#executions.set(run.plan.id, execution);
    this.#options.subscribe(run.plan.id, (cancelled) => execution.wake(cancelled));
    this.#interpret(execution, run, owner).catch((error: unknown) => {
      if (!this.#options.gone.aborted) this.#options.onDefect(run.plan.id, error);
    });
  }

  async #interpret(execution: Execution, run: SharedRun, owner: string | null): Promise<void> {
    const { program, ask, gone } = this.#options;
    execution.load(await this.#pickUp(execution, run, owner));
    await program.interpret(execution.context(""), run.plan, run.startedBy);
    const isOurs = await retried(
      () =>
        ask(() => {
          if (run.owner !== execution.by) return false;
          run.ended = true;
          return true;
        }),
      this.#options.process.clock,
    );
    if (!isOurs) await execution.refused();
    if (gone.aborted) return;
    this.#executions.delete(run.plan.id);
  }

  /** From whoever has it; of two at once the one whose request arrives last has it in the end. */
  async #pickUp({ by }: Execution, run: SharedRun, owner: string | null): Promise<Snapshot> {
    const { journal, ask, process } = this.#options;
    let before = owner;
    for (;;) {
      const from = before;
      const snapshot = await retried(
        () => ask(() => journal.pickUp(run, { before: from, by })),
        process.clock,
      );
      if (snapshot !== null) return snapshot;
      before = await retried(() => ask(() => run.owner), process.clock);
    }
  }
}

interface OwnedRun {
  readonly run: SharedRun;
  readonly owner: string | null;
}

function ownedNow(run: SharedRun): OwnedRun {
  return { run, owner: run.owner };
}

function nameOf({ run, owner }: OwnedRun): string {
  return `${run.plan.id} of ${owner ?? "nobody"}`;
}

type Snapshot = ReadonlyMap<string, readonly JournalRecord[]>;

/** One run in one process. */
class Execution {
  readonly options: JournaledRunnerOptions;
  readonly run: SharedRun;
  /** Names this execution in the journal. */
  readonly by: string;
  readonly #inFlight = new Set<AbortController>();
  readonly #waits = new Set<() => void>();
  #snapshot: Snapshot = new Map();
  #isOver = false;

  constructor(options: JournaledRunnerOptions, run: SharedRun, number: number) {
    this.options = options;
    this.run = run;
    this.by = `${options.process.name}/${options.process.incarnation}/${number}`;
  }

  /** Whether it was told that somebody else has the run. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Somebody else goes on with the run: nothing comes back to whoever waits for this. */
  refused(): Promise<never> {
    this.#isOver = true;
    return forever();
  }

  load(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
  }

  wake(cancelled: boolean): void {
    if (cancelled) for (const step of this.#inFlight) step.abort();
    for (const wake of this.#waits) wake();
  }

  context(fiber: string): DurableContext {
    return new JournaledContext(this, fiber, this.#snapshot.get(fiber) ?? []);
  }

  async tracked<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const { gone } = this.options;
    const onGone = (): void => controller.abort();
    gone.addEventListener("abort", onGone, { once: true });
    this.#inFlight.add(controller);
    try {
      return await work(controller.signal);
    } finally {
      gone.removeEventListener("abort", onGone);
      this.#inFlight.delete(controller);
    }
  }

  /** Until something arrives, or for `ms`. */
  async rest(ms: number): Promise<void> {
    const stop = new AbortController();
    const wake = (): void => stop.abort();
    this.#waits.add(wake);
    await this.options.process.clock.sleep(ms, stop.signal).catch(() => undefined);
    this.#waits.delete(wake);
  }
}

class JournaledContext implements DurableContext {
  readonly runId: string;
  readonly #execution: Execution;
  readonly #fiber: string;
  readonly #known: readonly JournalRecord[];
  #index = 0;

  constructor(execution: Execution, fiber: string, known: readonly JournalRecord[]) {
    this.runId = execution.run.plan.id;
    this.#execution = execution;
    this.#fiber = fiber;
    this.#known = known;
  }

  async step<T extends Json>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { index, entry } = this.#next(name);
    if (entry !== null && entry.text !== null) return JSON.parse(entry.text);
    await this.#stopIfGone();
    const text = JSON.stringify(await this.#execution.tracked(work));
    await this.#record(index, { name, untilMs: null, text, by: this.#execution.by });
    return JSON.parse(text);
  }

  async sleep(ms: number): Promise<void> {
    const { index, entry } = this.#next("sleep");
    if (entry !== null && entry.text !== null) return;
    await this.#stopIfGone();
    const untilMs = await this.#begin(index, "sleep", ms, entry);
    const { clock } = this.#execution.options.process;
    await clock.sleep(Math.max(0, untilMs - clock.now()));
    const { by } = this.#execution;
    await this.#record(index, { name: "sleep", untilMs, text: "null", by });
  }

  async receive(timeoutMs: number): Promise<RunCommand | null> {
    const { index, entry } = this.#next("receive");
    if (entry !== null && entry.text !== null) return JSON.parse(entry.text);
    await this.#stopIfGone();
    const { options, run, by } = this.#execution;
    const { clock } = options.process;
    const untilMs =
      timeoutMs > 0 ? await this.#begin(index, "receive", timeoutMs, entry) : clock.now();
    for (;;) {
      const leftMs = untilMs - clock.now();
      const at = { fiber: this.#fiber, index };
      const taken = await retried(
        () => options.ask(() => options.journal.take(run, at, { last: leftMs <= 0, by })),
        clock,
      );
      if (taken === "not-yours") return this.#execution.refused();
      await this.#stopIfGone();
      if (typeof taken !== "string") return JSON.parse(taken.text ?? "null");
      await this.#execution.rest(Math.min(leftMs, LOOK_MS));
    }
  }

  async branches(plan: Plan, stepIds: readonly string[]): Promise<readonly Json[]> {
    const { program } = this.#execution.options;
    return Promise.all(
      stepIds.map((id) => program.executeBranch(this.#execution.context(id), plan, id)),
    );
  }

  #next(name: string): { readonly index: number; readonly entry: JournalRecord | null } {
    const index = this.#index;
    this.#index += 1;
    const entry = this.#known[index] ?? null;
    if (entry !== null && entry.name !== name) {
      throw new CloudPhoenixError(
        "INTERNAL",
        `replay diverged at operation ${index}: recorded ${entry.name}, now ${name}`,
        { retryable: false },
      );
    }
    return { index, entry };
  }

  /** Fixes when a wait ends; after a crash it ends at the same instant. */
  async #begin(
    index: number,
    name: string,
    ms: number,
    entry: JournalRecord | null,
  ): Promise<number> {
    const { clock } = this.#execution.options.process;
    const untilMs = entry?.untilMs ?? clock.now() + ms;
    const { by } = this.#execution;
    if (entry === null) await this.#record(index, { name, untilMs, text: null, by });
    return untilMs;
  }

  async #record(index: number, entry: JournalRecord): Promise<void> {
    await this.#stopIfGone();
    const { options, run } = this.#execution;
    const at = { fiber: this.#fiber, index };
    const isOurs = await retried(
      () => options.ask(() => options.journal.record(run, at, entry)),
      options.process.clock,
    );
    if (!isOurs) await this.#execution.refused();
    await this.#stopIfGone();
  }

  async #stopIfGone(): Promise<void> {
    if (this.#execution.options.gone.aborted) await forever();
  }
}

/** The journal is written as soon as the state database answers again. */
async function retried<T>(ask: () => Promise<T>, clock: Clock): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof CloudPhoenixError) || !error.retryable) throw error;
      await clock.sleep(250);
    }
  }
}

function forever(): Promise<never> {
  return new Promise<never>(() => undefined);
}

function noSuchRun(runId: string): CloudPhoenixError {
  return new CloudPhoenixError("NOT_FOUND", `no run ${runId} is alive`, { retryable: false });
}
