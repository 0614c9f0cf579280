/** The newest observations of this vantage, for clients that poll. */
import { hasCode, type Observation, type VantageSight } from "@cloudphoenix/core";
import type { Clock, ObservationListener } from "@cloudphoenix/engine";

/** Older ones are dropped: a client that was away this long needs the present, not the past. */
const KEPT_MAX = 1000;

interface AgedObservation {
  readonly signal: string;
  readonly status: string;
  readonly detail: string;
  readonly latencyMs: number | null;
  readonly ageMs: number;
}

export interface ObservationPage {
  readonly next: number;
  readonly observations: readonly AgedObservation[];
  readonly sight: { readonly sees: boolean; readonly ageMs: number } | null;
  /** How long the question was held open before this answer. */
  readonly heldMs: number;
}

interface Entry {
  readonly number: number;
  readonly observation: Observation;
}

/** Numbers observations from 1. Hands them out with ages, since clocks of hosts differ. */
export class ObservationLog implements ObservationListener {
  readonly #clock: Clock;
  #entries: Entry[] = [];
  #last = 0;
  #sight: VantageSight | null = null;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  observed(observation: Observation): void {
    this.#last += 1;
    this.#entries.push({ number: this.#last, observation });
    if (this.#entries.length > KEPT_MAX) this.#entries = this.#entries.slice(-KEPT_MAX / 2);
    this.#wake();
  }

  sighted(sight: VantageSight): void {
    const changed = this.#sight?.sees !== sight.sees;
    this.#sight = sight;
    // Going blind must not wait for the next observation.
    if (changed) this.#wake();
  }

  /**
   * Everything after `since`; if there is nothing, waits for something up to `waitMs`, or until
   * `signal` aborts. A `since` from before a restart of this process starts again.
   */
  async page(since: number, waitMs: number, signal: AbortSignal): Promise<ObservationPage> {
    const askedAtMs = this.#clock.now();
    const from = since > this.#last ? 0 : since;
    if (from === this.#last && waitMs > 0 && !signal.aborted) await this.#wait(waitMs, signal);
    const nowMs = this.#clock.now();
    const newer = this.#entries.filter((entry) => entry.number > from);
    return {
      next: this.#last,
      observations: newer.map(
        ({ observation: { signal: id, status, detail, latencyMs, atMs } }) => ({
          signal: id,
          status,
          detail,
          latencyMs: latencyMs === null ? null : Math.round(latencyMs),
          ageMs: Math.max(0, Math.round(nowMs - atMs)),
        }),
      ),
      sight:
        this.#sight === null
          ? null
          : { sees: this.#sight.sees, ageMs: Math.max(0, Math.round(nowMs - this.#sight.atMs)) },
      heldMs: Math.max(0, Math.round(nowMs - askedAtMs)),
    };
  }

  async #wait(waitMs: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const wake = (): void => woken.abort();
    this.#waiting.add(wake);
    try {
      await this.#clock.sleep(waitMs, AbortSignal.any([woken.signal, signal]));
    } catch (error) {
      if (!hasCode(error, "ABORTED")) throw error;
    } finally {
      this.#waiting.delete(wake);
    }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}
