/** The newest observations of this vantage, for clients that poll. */
import type { ObservationPage } from "@cloudphoenix/adapter-probe";
import { hasCode, type Observation, type Status, type VantageSight } from "@cloudphoenix/core";
import type { Clock, ObservationListener } from "@cloudphoenix/engine";

/** Older ones are dropped: a client that was away this long needs the present, not the past. */
const KEPT_MAX = 1000;

interface Entry {
  readonly number: number;
  readonly heardAtMs: number;
  readonly observation: Observation;
}

/**
 * Numbers observations from 1. Hands them out with ages, since clocks of hosts differ.
 *
 * News is handed out at once: a status that differs from the one before, or sight lost or found.
 * What only confirms the last word of its signal may wait for company: `batchMs` at most.
 */
export class ObservationLog implements ObservationListener {
  readonly #clock: Clock;
  readonly #batchMs: number;
  readonly #statuses = new Map<string, Status>();
  #entries: Entry[] = [];
  #last = 0;
  /** Number of the newest observation that was news. */
  #lastNews = 0;
  #sight: VantageSight | null = null;
  #sightChanges = 0;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock, batchMs: number) {
    this.#clock = clock;
    this.#batchMs = batchMs;
  }

  observed(observation: Observation): void {
    this.#last += 1;
    const { signal, status } = observation;
    if (this.#statuses.get(signal) !== status) this.#lastNews = this.#last;
    this.#statuses.set(signal, status);
    this.#entries.push({ number: this.#last, heardAtMs: this.#clock.now(), observation });
    if (this.#entries.length > KEPT_MAX) this.#entries = this.#entries.slice(-KEPT_MAX / 2);
    this.#wake();
  }

  sighted(sight: VantageSight): void {
    const changed = this.#sight?.sees !== sight.sees;
    this.#sight = sight;
    if (changed) this.#sightChanges += 1;
    if (changed) this.#wake();
  }

  /**
   * Everything after `since`; waits up to `waitMs`, or until `signal` aborts, for something that
   * should not wait. A `since` from before a restart of this process starts again.
   */
  async page(since: number, waitMs: number, signal: AbortSignal): Promise<ObservationPage> {
    const askedAtMs = this.#clock.now();
    const from = since > this.#last ? 0 : since;
    await this.#untilWorthSaying(from, askedAtMs + waitMs, signal);
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

  async #untilWorthSaying(from: number, untilMs: number, signal: AbortSignal): Promise<void> {
    const sightChanges = this.#sightChanges;
    while (this.#lastNews <= from && this.#sightChanges === sightChanges && !signal.aborted) {
      const oldest = this.#entries.find((entry) => entry.number > from);
      const batchMs = oldest === undefined ? untilMs : oldest.heardAtMs + this.#batchMs;
      const restMs = Math.min(untilMs, batchMs) - this.#clock.now();
      if (restMs <= 0) return;
      await this.#rest(restMs, signal);
    }
  }

  /** Until `restMs` have passed, or something was said that may change what to wait for. */
  async #rest(restMs: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const wake = (): void => woken.abort();
    this.#waiting.add(wake);
    try {
      await this.#clock.sleep(restMs, AbortSignal.any([woken.signal, signal]));
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
