/**
 * A process of the simulated world: a controller, an agent, a database server, the pods of a site.
 *
 * 1. A dead process never runs again; what it waited for never comes. Its successor is a new
 *    incarnation of the same name.
 * 2. A frozen process runs nothing. What arrives meanwhile, timers included, waits, and comes in
 *    order, each on its own, once it thaws.
 * 3. Its clock has an offset and a drift nobody else knows. Only a database's clock ever jumps.
 */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Clock } from "@cloudphoenix/engine";
import type { ScheduledEvent, Scheduler } from "./scheduler.ts";

/** 2026-01-01T00:00:00Z: a plausible epoch, so that nothing mistakes it for a duration. */
const EPOCH_MS = 1_767_225_600_000;

export interface ProcessClockError {
  offsetMs: number;
  /** Milliseconds gained per millisecond. */
  readonly drift: number;
}

export class Process {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly clockError: ProcessClockError;
  #up = true;
  #frozen = false;
  #incarnation = 1;
  #backlog: (() => void)[] = [];

  constructor(
    name: string,
    scheduler: Scheduler,
    clockError: ProcessClockError = { offsetMs: 0, drift: 0 },
  ) {
    this.name = name;
    this.scheduler = scheduler;
    this.clockError = clockError;
    this.clock = {
      now: () => Math.round(this.readClock()),
      sleep: (ms, signal) => this.#sleep(ms, signal),
    };
  }

  get up(): boolean {
    return this.#up;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  /** Whether it could run something now. */
  get running(): boolean {
    return this.#up && !this.#frozen;
  }

  /** Differs after every death. */
  get incarnation(): number {
    return this.#incarnation;
  }

  /** Its own clock, with fractions. */
  readClock(): number {
    const { offsetMs, drift } = this.clockError;
    return EPOCH_MS + offsetMs + this.scheduler.nowMs * (1 + drift);
  }

  /** Runs `work` as soon as this incarnation can; never if it dies first. */
  receive(work: () => void): void {
    if (!this.#up) return;
    if (this.#frozen) this.#backlog.push(work);
    else work();
  }

  /** Calls `work` after `delayMs` of true time unless this incarnation is gone by then. */
  after(delayMs: number, work: () => void): ScheduledEvent {
    const incarnation = this.#incarnation;
    return this.scheduler.after(delayMs, () => {
      if (incarnation === this.#incarnation) this.receive(work);
    });
  }

  crash(): void {
    this.#up = false;
    this.#frozen = false;
    this.#incarnation += 1;
    this.#backlog = [];
  }

  start(): void {
    this.#up = true;
  }

  freeze(): void {
    if (this.#up) this.#frozen = true;
  }

  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    const waiting = this.#backlog;
    this.#backlog = [];
    for (const work of waiting) this.after(0, work);
  }

  #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(aborted());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const incarnation = this.#incarnation;
    const onAbort = (): void => {
      event.fire = null;
      reject(aborted());
    };
    const wake = (): void => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    };
    const event = this.scheduler.after(Math.max(0, ms) / (1 + this.clockError.drift), () => {
      if (incarnation === this.#incarnation) this.receive(wake);
    });
    signal?.addEventListener("abort", onAbort, { once: true });
    return promise;
  }
}

function aborted(): CloudPhoenixError {
  return new CloudPhoenixError("ABORTED", "the wait was aborted", { retryable: true });
}
