import { FAILURES_MAX, type ObjectFailure } from "./replication-facts.ts";

/** Keys remembered; of further ones only the number is known until the next reconciliation. */
const REMEMBERED_MAX = 1_000;

interface Remembered extends ObjectFailure {
  readonly lastMs: number;
}

/** Objects that cannot be copied, by key, in bounded memory. */
export class FailureList {
  readonly #failures = new Map<string, Remembered>();
  #notRemembered = 0;

  get count(): number {
    return this.#failures.size + this.#notRemembered;
  }

  /** The oldest of them. */
  get listed(): readonly ObjectFailure[] {
    return [...this.#failures.values()]
      .slice(0, FAILURES_MAX)
      .map(({ key, code, message, sinceMs, retried }) => ({
        key,
        code,
        message,
        sinceMs,
        retried,
      }));
  }

  failed(failure: Omit<ObjectFailure, "sinceMs">, nowMs: number): void {
    const known = this.#failures.get(failure.key);
    if (known === undefined && this.#failures.size >= REMEMBERED_MAX) {
      this.#notRemembered += 1;
      return;
    }
    const sinceMs = known?.sinceMs ?? nowMs;
    this.#failures.set(failure.key, { ...failure, sinceMs, lastMs: nowMs });
  }

  healed(key: string): void {
    this.#failures.delete(key);
  }

  /** A reconciliation that began at `beganMs` met every failure there is; others are over. */
  reconciled(beganMs: number): void {
    this.#notRemembered = 0;
    for (const [key, { lastMs, retried }] of this.#failures) {
      if (!retried && lastMs < beganMs) this.#failures.delete(key);
    }
  }
}
