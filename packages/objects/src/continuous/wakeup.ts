import type { Surroundings } from "../surroundings.ts";

/** A wait that ends early when there is something to do. */
export class Wakeup {
  readonly #clock: Surroundings["clock"];
  #woken = false;
  #wake: () => void = () => undefined;

  constructor(clock: Surroundings["clock"]) {
    this.#clock = clock;
  }

  wake(): void {
    this.#woken = true;
    this.#wake();
  }

  /**
   * Resolves when it is woken, at once if it was since the last wait, or after `ms`.
   * @throws {CloudPhoenixError} `ABORTED`
   */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#woken) {
      const over = new AbortController();
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const slept = this.#clock.sleep(ms, AbortSignal.any([signal, over.signal]));
      try {
        await Promise.race([woken, slept]);
      } finally {
        slept.catch(() => undefined);
        over.abort();
      }
    }
    this.#woken = false;
  }
}
