/**
 * Times the renewals of a lease on the observer's own clock.
 *
 * A renewal happened before it was first seen. So once a count of renewals was first seen
 * `ttl + margin` ago, and the lease is sealed at that count, nobody holds it any more: no clock of
 * another host takes part in that.
 */
import { CloudPhoenixError, type SiteId, hasCode } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { LeaseDocument, LeaseWitness, VersionedLease } from "../ports/lease.ts";
import { withDeadline } from "../waiting/with-deadline.ts";

export interface LeaseObserverOptions {
  readonly clock: Clock;
  readonly witness: LeaseWitness;
  /** How often the witness is read. The later a renewal is seen, the longer a fence waits. */
  readonly everyMs: number;
}

/** A document and when its count of renewals was first seen, on the observer's clock. */
export interface SeenLease {
  readonly stored: VersionedLease;
  readonly firstSeenMs: number;
}

export class LeaseObserver {
  readonly #options: LeaseObserverOptions;
  #seen: SeenLease | null = null;

  constructor(options: LeaseObserverOptions) {
    this.#options = options;
  }

  /** What was seen last; null before the first look. */
  get seen(): SeenLease | null {
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

  /** Reads the witness now. @returns null if no lease was ever stored */
  async look(signal: AbortSignal): Promise<SeenLease | null> {
    const stored = await this.#options.witness.read(signal);
    if (stored === null) {
      this.#seen = null;
      return null;
    }
    const before = this.#seen;
    const same = before !== null && sameGrant(before.stored.lease, stored.lease);
    // An answer that was overtaken must not move a renewal that was seen already.
    if (before !== null && older(stored.lease, before.stored.lease)) return before;
    const firstSeenMs = same ? before.firstSeenMs : this.#options.clock.now();
    this.#seen = { stored, firstSeenMs };
    return this.#seen;
  }

  /** Whether `site` holds the lease as far as was seen. */
  isHeldBy(site: SiteId): boolean {
    return this.#seen?.stored.lease.holder === site;
  }
}

/** Sealing changes epoch and holder, not the count: it grants nothing. */
function sameGrant(a: LeaseDocument, b: LeaseDocument): boolean {
  return a.renewals === b.renewals && (b.holder === null || a.holder === b.holder);
}

function older(a: LeaseDocument, b: LeaseDocument): boolean {
  return a.epoch < b.epoch || (a.epoch === b.epoch && a.renewals < b.renewals);
}
