/** How many bytes may be in memory at once, shared by everything that copies. First come, first served. */
import { abortedError, throwIfAborted } from "./retries.ts";

interface Waiting {
  readonly bytes: number;
  readonly start: () => void;
}

export class ByteBudget {
  readonly totalBytes: number;
  #freeBytes: number;
  #queue: Waiting[] = [];

  constructor(totalBytes: number) {
    this.totalBytes = totalBytes;
    this.#freeBytes = totalBytes;
  }

  /**
   * Resolves when `bytes` are free, with the function that gives them back (calling it again does
   * nothing). More than the whole budget gets the whole budget. @throws {CloudPhoenixError} `ABORTED`
   */
  async take(bytes: number, signal: AbortSignal): Promise<() => void> {
    throwIfAborted(signal);
    const granted = Math.min(bytes, this.totalBytes);
    if (this.#queue.length > 0 || granted > this.#freeBytes) await this.#wait(granted, signal);
    else this.#freeBytes -= granted;
    let held = true;
    return () => {
      if (held) this.#giveBack(granted);
      held = false;
    };
  }

  #wait(bytes: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { bytes, start: resolve };
    const leave = (): void => {
      this.#queue = this.#queue.filter((other) => other !== waiting);
      this.#admit();
      reject(abortedError(signal.reason));
    };
    signal.addEventListener("abort", leave, { once: true });
    this.#queue.push(waiting);
    return promise.finally(() => signal.removeEventListener("abort", leave));
  }

  #giveBack(bytes: number): void {
    this.#freeBytes += bytes;
    this.#admit();
  }

  #admit(): void {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (next.bytes > this.#freeBytes) return;
      this.#freeBytes -= next.bytes;
      this.#queue.shift();
      next.start();
    }
  }
}
