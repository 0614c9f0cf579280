/**
 * How far the copy of the objects is, as the follower tells it through the state database, on the
 * clock of this controller.
 *
 * 1. Clocks of two machines are never compared: only ages the follower told are used, counted back
 *    from our own clock.
 * 2. What is told is taken to be as old as it can be: told right after our look before. So
 *    `completeUntilMs` is never later than the truth.
 * 3. What was there before the first look may be of any age, so it counts only once it changes.
 */
import { messageOf, hasCode, type ObjectCopyFacts, type SiteId } from "@cloudphoenix/core";
import type { Clock, FactStore, ObjectWatch } from "@cloudphoenix/engine";
import {
  objectReplicationIn,
  objectReplicationKey,
  type ObjectReplicationFacts,
} from "@cloudphoenix/objects";

const LOOK_EVERY_MS = 1_000;

const NOTHING_TOLD: ObjectCopyFacts = {
  toldAtMs: null,
  completeUntilMs: null,
  canaryMs: null,
  pending: 0,
  paused: null,
};

export interface ToldObjectWatchOptions {
  readonly application: string;
  readonly facts: Pick<FactStore, "get">;
  readonly clock: Clock;
  /** Told of each kind of trouble once, until it is over (null). */
  readonly onTrouble: (message: string | null) => void;
}

export class ToldObjectWatch implements ObjectWatch {
  readonly #options: ToldObjectWatchOptions;
  #lookedAtMs: number | null = null;
  /** By the follower's clock; null before the first look. */
  #newestMs: number | null = null;
  #told: { readonly to: SiteId; readonly facts: ObjectCopyFacts } | null = null;
  #newest: ObjectReplicationFacts | null = null;
  #trouble: string | null = null;

  constructor(options: ToldObjectWatchOptions) {
    this.#options = options;
  }

  facts(standby: SiteId): ObjectCopyFacts {
    return this.#told?.to === standby ? this.#told.facts : NOTHING_TOLD;
  }

  /** The follower's own words, for people; null before it told anything. */
  get newest(): ObjectReplicationFacts | null {
    return this.#newest;
  }

  /** Keeps looking until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await this.look();
      try {
        await clock.sleep(LOOK_EVERY_MS, signal);
      } catch (error) {
        if (!hasCode(error, "ABORTED")) throw error;
      }
    }
  }

  /** Looks once. Never throws: what cannot be read stays as it was, and ages. */
  async look(): Promise<void> {
    const { application, facts, clock, onTrouble } = this.#options;
    const beganMs = clock.now();
    try {
      this.#take(objectReplicationIn(await facts.get(objectReplicationKey(application))), beganMs);
      if (this.#trouble !== null) onTrouble(null);
      this.#trouble = null;
    } catch (error) {
      const message = messageOf(error);
      if (message !== this.#trouble) onTrouble(message);
      this.#trouble = message;
    }
  }

  #take(told: ObjectReplicationFacts | null, nowMs: number): void {
    const beforeMs = this.#lookedAtMs;
    this.#lookedAtMs = nowMs;
    this.#newest = told;
    const isNew = told !== null && told.atMs !== this.#newestMs;
    this.#newestMs = told?.atMs ?? null;
    if (!isNew || beforeMs === null) return;
    this.#told = { to: told.to, facts: onOurClock(told, { beforeMs, nowMs }) };
  }
}

function onOurClock(
  told: ObjectReplicationFacts,
  { beforeMs, nowMs }: { readonly beforeMs: number; readonly nowMs: number },
): ObjectCopyFacts {
  const { backlogAgeMs, canarySeenMs, atMs, pending, paused } = told;
  return {
    toldAtMs: nowMs,
    completeUntilMs: backlogAgeMs === null ? null : beforeMs - backlogAgeMs,
    canaryMs: canarySeenMs === null ? null : beforeMs - Math.max(0, atMs - canarySeenMs),
    pending,
    paused,
  };
}
