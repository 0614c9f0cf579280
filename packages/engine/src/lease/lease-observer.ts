/**
 * Times the renewals of a lease on the observer's own clock.
 *
 * 1. A renewal happened before it was first seen. So once a count of renewals was first seen
 *    `ttl + margin` ago, and the lease is sealed at that count, nobody holds it any more: no clock
 *    of another host takes part in that.
 * 2. The clock must never be set back or forward: a monotonic one.
 * 3. A witness that has forgotten what it said before (restored from a backup) is no witness:
 *    every look fails until a person has decided and this process was started again.
 */
import { CloudPhoenixError, hasCode } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { LeaseDocument, LeaseWitness, VersionedLease } from "../ports/lease.ts";
import { withDeadline } from "../waiting/with-deadline.ts";

export interface LeaseObserverOptions {
  /** Monotonic. */
  readonly clock: Clock;
  readonly witness: LeaseWitness;
  /** How often the witness is read. The later a renewal is seen, the longer a fence waits. */
  readonly everyMs: number;
}

/** A document, and when its count of renewals was first and last seen, on the observer's clock. */
export interface SeenLease {
  readonly stored: VersionedLease;
  /** When the first look that saw it was answered: the renewal came before. */
  readonly firstSeenMs: number;
  /** When the newest look that saw it was asked for: until then no other renewal came. */
  readonly lastSeenMs: number;
}

export class LeaseObserver {
  readonly #options: LeaseObserverOptions;
  #seen: SeenLease | null = null;
  #lookedAtMs: number | null = null;

  constructor(options: LeaseObserverOptions) {
    this.#options = options;
  }

  /** What was seen last; null before the first look. */
  get seen(): SeenLease | null {
    return this.#seen;
  }

  /** What was seen, if a look at most `maxAgeMs` ago found it; does not ask anybody. */
  recent(maxAgeMs: number): SeenLease | null {
    const { clock } = this.#options;
    if (this.#lookedAtMs === null || clock.now() - this.#lookedAtMs > maxAgeMs) return null;
    return this.#seen;
  }

  /** Keeps looking until `signal` aborts; a witness that does not answer is asked again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, everyMs } = this.#options;
    while (!signal.aborted) {
      try {
        await withDeadline(
          { clock, limitMs: everyMs * 4, signal, what: "the witness" },
          (limited) => this.look(limited),
        );
      } catch (error) {
        if (!(error instanceof CloudPhoenixError)) throw error;
      }
      try {
        await clock.sleep(everyMs, signal);
      } catch (error) {
        if (!hasCode(error, "ABORTED")) throw error;
      }
    }
  }

  /**
   * Reads the witness now.
   * @returns null if no lease was ever stored
   * @throws {CloudPhoenixError} `CONFLICT` if the witness has gone back; what the witness throws
   */
  async look(signal: AbortSignal): Promise<SeenLease | null> {
    const known = this.#seen;
    const askedMs = this.#options.clock.now();
    const stored = await this.#options.witness.read(signal);
    // Compared with what was known when the question was asked: an answer that was merely
    // overtaken by another look is older than what is known now, and that is no reproach.
    if (known !== null && (stored === null || isOlder(stored.lease, known.stored.lease))) {
      throw goneBack(known.stored.lease, stored?.lease ?? null);
    }
    this.#lookedAtMs = this.#options.clock.now();
    const before = this.#seen;
    if (stored === null || (before !== null && isOlder(stored.lease, before.stored.lease))) {
      return before;
    }
    const same = before !== null && grantsNothing(before.stored.lease, stored.lease);
    const firstSeenMs = same ? before.firstSeenMs : this.#options.clock.now();
    const lastSeenMs = same ? Math.max(before.lastSeenMs, askedMs) : askedMs;
    this.#seen = { stored, firstSeenMs, lastSeenMs };
    return this.#seen;
  }
}

/** Whether the change from `a` to `b` grants nothing: the same document, or its seal. */
function grantsNothing(a: LeaseDocument, b: LeaseDocument): boolean {
  return a.renewals === b.renewals && (b.holder === null || a.holder === b.holder);
}

/** Neither epoch nor count of renewals ever falls. */
function isOlder(a: LeaseDocument, b: LeaseDocument): boolean {
  return a.epoch < b.epoch || a.renewals < b.renewals;
}

function goneBack(known: LeaseDocument, found: LeaseDocument | null): CloudPhoenixError {
  const now = found === null ? "nothing" : `epoch ${found.epoch}, renewal ${found.renewals}`;
  return new CloudPhoenixError(
    "CONFLICT",
    `the witness has gone back from epoch ${known.epoch}, renewal ${known.renewals}, to ${now}`,
    {
      retryable: false,
      hint: "Find out who restored it; stop the writers of every site before you trust it again.",
    },
  );
}
