/**
 * How far the copy of the objects is, as the follower tells it through the state database, on the
 * clock of this controller.
 *
 * 1. What comes while we look is brought to our clock by ages alone, counted back from our own looks,
 *    so that not even clocks that disagree matter.
 * 2. It is taken to be as old as it can be: told right after our look before. So `completeUntilMs` is
 *    never later than the truth.
 * 3. What the first look finds may be of any age, perhaps the last words of a follower that is lost. Its
 *    instants are taken as they are: followers and controllers go by the clock of the state database.
 *    If they are from the future they do not, and it counts only once it changes.
 */
import {
  type Application,
  hasCode,
  isFromTheFuture,
  messageOf,
  type ObjectCopyFacts,
  type SiteId,
} from "@cloudphoenix/core";
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
  needPerson: 0,
  paused: null,
  deletesHeldBack: null,
};

export interface ToldObjectWatchOptions {
  readonly application: Pick<Application, "name" | "sites">;
  readonly facts: Pick<FactStore, "get">;
  readonly clock: Clock;
  /** Told of each kind of trouble once, until it is over (null). */
  readonly onTrouble: (message: string | null) => void;
}

export class ToldObjectWatch implements ObjectWatch {
  readonly #options: ToldObjectWatchOptions;
  #lookedAtMs: number | null = null;
  /** When each follower told last, by its own clock; nothing before the first look. */
  readonly #toldAt = new Map<SiteId, number | null>();
  readonly #told = new Map<SiteId, ObjectCopyFacts>();
  #trouble: string | null = null;

  constructor(options: ToldObjectWatchOptions) {
    this.#options = options;
  }

  facts(standby: SiteId): ObjectCopyFacts {
    return this.#told.get(standby) ?? NOTHING_TOLD;
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
    const nowMs = clock.now();
    try {
      const stored = await Promise.all(
        application.sites.map(async ({ id }) => ({
          id,
          told: objectReplicationIn(await facts.get(objectReplicationKey(application.name, id))),
        })),
      );
      for (const { id, told } of stored) this.#take(id, told, nowMs);
      this.#lookedAtMs = nowMs;
      if (this.#trouble !== null) onTrouble(null);
      this.#trouble = null;
    } catch (error) {
      const message = messageOf(error);
      if (message !== this.#trouble) onTrouble(message);
      this.#trouble = message;
    }
  }

  #take(standby: SiteId, told: ObjectReplicationFacts | null, nowMs: number): void {
    const isNew = told !== null && told.atMs !== this.#toldAt.get(standby);
    this.#toldAt.set(standby, told?.atMs ?? null);
    if (!isNew) return;
    if (this.#lookedAtMs !== null) {
      this.#told.set(standby, onOurClock(told, { atLeastMs: this.#lookedAtMs, toldAtMs: nowMs }));
    } else if (!isFromTheFuture(told.atMs, nowMs)) {
      const toldAtMs = Math.min(told.atMs, nowMs);
      this.#told.set(standby, onOurClock(told, { atLeastMs: toldAtMs, toldAtMs }));
    }
  }
}

/** When something was told at the earliest, and when it is said to have been. */
interface Telling {
  readonly atLeastMs: number;
  readonly toldAtMs: number;
}

function onOurClock(
  told: ObjectReplicationFacts,
  { atLeastMs, toldAtMs }: Telling,
): ObjectCopyFacts {
  const { backlogAgeMs, canarySeenMs, atMs, pending, needPerson, paused, deletesHeldBack } = told;
  return {
    toldAtMs,
    completeUntilMs: backlogAgeMs === null ? null : atLeastMs - backlogAgeMs,
    canaryMs: canarySeenMs === null ? null : atLeastMs - Math.max(0, atMs - canarySeenMs),
    pending,
    needPerson,
    paused,
    deletesHeldBack,
  };
}
