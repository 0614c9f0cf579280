/** Time that moves only when a test says so; real sockets get their turn in between. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Clock } from "@cloudphoenix/engine";

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

export class ManualClock implements Clock {
  #nowMs = 1_767_225_600_000;
  #sleepers: Sleeper[] = [];

  now(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sleeper = { atMs: this.#nowMs + ms, wake: resolve };
    this.#sleepers.push(sleeper);
    const leave = (): void => {
      this.#sleepers = this.#sleepers.filter((kept) => kept !== sleeper);
      reject(new CloudPhoenixError("ABORTED", "the wait was aborted", { retryable: true }));
    };
    if (signal?.aborted === true) leave();
    signal?.addEventListener("abort", leave, { once: true });
    return promise;
  }

  /** How long each sleeper still has to sleep. */
  get naps(): readonly number[] {
    return this.#sleepers.map((sleeper) => sleeper.atMs - this.#nowMs);
  }

  /** Passes `ms` in steps of 10, each followed by a turn of the event loop. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 10) await this.step(Math.min(10, left));
  }

  /** Passes time until `done`, which real sockets make true. Fails the test by its own timeout. */
  async passUntil(done: () => boolean): Promise<void> {
    while (!done()) await this.step(10);
  }

  /** Lets `ms` go by at once, as for a process that was stopped. */
  async step(ms: number): Promise<void> {
    this.#nowMs += ms;
    const due = this.#sleepers.filter((sleeper) => sleeper.atMs <= this.#nowMs);
    this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.atMs > this.#nowMs);
    for (const sleeper of due) sleeper.wake();
    await turn();
  }

  /** Sets the wall clock without any time passing. */
  jump(ms: number): void {
    this.#nowMs += ms;
    this.#sleepers = this.#sleepers.map(({ atMs, wake }) => ({ atMs: atMs + ms, wake }));
  }
}

/** Gives sockets and promises a turn without time passing. */
async function turn(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Waits in real time, a turn at a time, for something sockets do. */
export async function until(done: () => boolean): Promise<void> {
  while (!done()) await turn();
}
