/**
 * The last look at the state of the site, shared by everything that reports on it.
 *
 * However many ask at once, one question at a time goes to the source, and none is waited for
 * longer than the limit. A lease that runs out between two looks counts as run out.
 */
import { ReadOnlyError } from "../errors/failures.ts";
import { monotonicMs } from "../resilience/deadline.ts";
import { withTimeout } from "../resilience/with-timeout.ts";
import type { SiteRecord } from "./site-record.ts";

/** Whoever knows the state of the site: its database, or a service that has asked it. */
export interface SiteSource<Seen extends SiteRecord = SiteRecord> {
  /** Asks now. @throws if it gets no answer */
  read(signal: AbortSignal): Promise<Seen>;
}

/** One look. Exactly one of `record` and `failure` is set. */
export interface Observation<Seen extends SiteRecord = SiteRecord> {
  readonly record: Seen | null;
  /** Why the source did not answer. */
  readonly failure: Error | null;
  readonly responseMs: number;
}

/** A database that has not answered by then is as good as down to whoever asks for health. */
const LOOK_TIMEOUT_MS = 400;

/** How old an answer may be. Short enough that a failure is seen by the next probe. */
const AGE_MS = 250;

interface Look<Seen extends SiteRecord> {
  readonly observation: Observation<Seen>;
  readonly askedMs: number;
  readonly endedMs: number;
}

/** `Seen` is what the source tells: the state of the site, and more if it likes. */
export class SiteWatch<Seen extends SiteRecord = SiteRecord> {
  readonly #source: SiteSource<Seen>;
  readonly #now: () => number;
  readonly #limitMs: number;
  #running: Promise<Look<Seen>> | null = null;
  #last: Look<Seen> | null = null;

  /**
   * @param now - a monotonic clock in milliseconds
   * @param limitMs - how long one question may take. Default 400 ms
   */
  constructor(
    source: SiteSource<Seen>,
    now: () => number = monotonicMs,
    limitMs: number = LOOK_TIMEOUT_MS,
  ) {
    this.#source = source;
    this.#now = now;
    this.#limitMs = limitMs;
  }

  /** An observation made at most `maxAgeMs` ago, or a new one. Never throws. */
  async observe(maxAgeMs: number = AGE_MS): Promise<Observation<Seen>> {
    if (this.#last !== null && this.#now() - this.#last.endedMs < maxAgeMs) {
      return this.#current(this.#last);
    }
    this.#running ??= this.#look().finally(() => {
      this.#running = null;
    });
    return this.#current(await this.#running);
  }

  /**
   * Passes if this site may take writes as far as was seen lately. For work that the database's own
   * refusal does not guard, such as writing objects.
   * @throws {ReadOnlyError} if it may not, or if nobody can say
   */
  async requireWritesOpen(): Promise<void> {
    const seen = await this.observe();
    if (seen.record?.writesOpen === true) return;
    throw new ReadOnlyError("This site does not take writes now.");
  }

  async #look(): Promise<Look<Seen>> {
    const askedMs = this.#now();
    const answer = await this.#ask();
    const endedMs = this.#now();
    const responseMs = Math.round((endedMs - askedMs) * 10) / 10;
    this.#last = { observation: { ...answer, responseMs }, askedMs, endedMs };
    return this.#last;
  }

  async #ask(): Promise<Pick<Observation<Seen>, "record" | "failure">> {
    try {
      const record = await withTimeout(this.#limitMs, (signal) => this.#source.read(signal));
      return { record, failure: null };
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      return { record: null, failure };
    }
  }

  /** The observation as it stands now: time has passed for the lease since it was asked for. */
  #current({ observation, askedMs }: Look<Seen>): Observation<Seen> {
    const { record } = observation;
    if (record === null || record.leaseRemainingMs === null) return observation;
    const leaseRemainingMs = Math.floor(record.leaseRemainingMs - (this.#now() - askedMs));
    const lapsed = leaseRemainingMs <= 0;
    const writesOpen = record.writesOpen && !lapsed;
    const leaseLapsed = record.leaseLapsed || (record.writesOpen && lapsed);
    return { ...observation, record: { ...record, leaseRemainingMs, writesOpen, leaseLapsed } };
  }
}
