/**
 * The queue that runs and their branches start and resume through.
 *
 * DBOS resumes a run through the queue it was started on, and looks at its own internal queue first
 * after a whole second; a queue of ours is looked at as often as we say. That is often while a run is
 * alive, since every branch waits for a look, and seldom otherwise, since a look costs four statements.
 *
 * What is said is kept in the database. So a process that takes over an unfinished run, after a
 * crash, begins at the pace its predecessor had.
 */
import { messageOf } from "@cloudphoenix/core";
import { DBOS, type WorkflowQueue } from "@dbos-inc/dbos-sdk";
import type { Log } from "../log.ts";

export const QUEUE = "cloudphoenix-runs";
const IDLE_POLL_MS = 250;
const BUSY_POLL_MS = 50;

export class RunQueue {
  readonly #log: Log;
  /** Once it aborts, another process may be in charge of the pace. */
  readonly #gone: AbortSignal;
  readonly #alive = new Set<string>();
  #queue: WorkflowQueue | null = null;
  #isBusy: boolean | null = null;
  /** Changes of pace, one after the other. */
  #changes: Promise<void> = Promise.resolve();

  constructor(log: Log, gone: AbortSignal) {
    this.#log = log;
    this.#gone = gone;
  }

  /** Makes the queue if it is missing. After `DBOS.launch`. */
  async open(): Promise<void> {
    const options = { minPollingIntervalMs: IDLE_POLL_MS, onConflict: "never_update" } as const;
    this.#queue = await DBOS.registerQueue(QUEUE, options);
    this.#setPace();
  }

  /** This run is alive. May be said again. */
  begins(runId: string): void {
    this.#alive.add(runId);
    this.#setPace();
  }

  /** This run has ended here. */
  ends(runId: string): void {
    this.#alive.delete(runId);
    this.#setPace();
  }

  #setPace(): void {
    const isBusy = this.#alive.size > 0;
    const queue = this.#queue;
    if (queue === null || this.#isBusy === isBusy) return;
    this.#isBusy = isBusy;
    this.#changes = this.#changes.then(() => this.#write(queue, isBusy));
  }

  /** A pace that could not be changed costs some time or some work, and nothing else. */
  async #write(queue: WorkflowQueue, isBusy: boolean): Promise<void> {
    if (this.#gone.aborted) return;
    try {
      await queue.setMinPollingIntervalMs(isBusy ? BUSY_POLL_MS : IDLE_POLL_MS);
    } catch (error) {
      this.#log("warn", `the pace of the run queue could not be changed: ${messageOf(error)}`);
    }
  }
}
