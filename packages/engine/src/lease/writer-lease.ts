/**
 * The lease as plans use it: taken from one site, given to another.
 *
 * 1. Sealing and granting carry the generation of the plan; whoever comes with an older one is
 *    refused by the document itself, however late.
 * 2. "Run out" is judged on our own clock, from when the last renewal was first seen.
 * 3. Every grant is counted as a renewal, also one given again: whoever seals it later waits for
 *    it. Only a site that never took its lease up stays uncounted, and then nothing is proven.
 * 4. A database gets the end of its lease before it is opened: a crash in between leaves it shut.
 * 5. A lease that the fence of a plan could not seal, or did not wait for, is sealed and waited for
 *    before it is granted to another site, whatever else was proven or approved. Only a site that was
 *    sealed and whose database has confirmed that it stopped is not waited for.
 * 6. A promise is waited for on our own clock, too: the clock of the peer may have been set forward,
 *    and its promise then only seems to be over.
 */
import {
  CloudPhoenixError,
  type FenceProof,
  type SiteId,
  messageOf,
  unprovenBecause,
} from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type {
  LeaseDocument,
  LeaseWitness,
  SiteLease,
  SiteLeaseState,
  VersionedLease,
} from "../ports/lease.ts";
import type { Fencer } from "../ports/site-control.ts";
import { leaseEndedAtMs } from "./lease-end.ts";
import type { LeaseObserver, SeenLease } from "./lease-observer.ts";
import { withDeadline } from "../waiting/with-deadline.ts";
import { type LeaseTerms, lapseMs } from "./lease-terms.ts";

/** Name of this means of fencing in proofs. */
const MEANS = "lease";

const RACES_MAX = 10;

/**
 * What asking witness and peers may add to the wait for the lapse. Long, for a witness that is slow
 * is still sooner than the person who has to approve a promotion without its proof.
 */
const ASKING_MS = 10_000;

/** A witness that missed one question is not lost: the observer asks it all the time. */
const FORECAST_AGE_MAX_MS = 5_000;

/** A promise that ended so long ago is over, however the clock it is read on was set. */
const PROMISE_OLD_MS = 3_600_000;

export interface WriterLeaseOptions {
  readonly application: string;
  readonly sites: readonly SiteId[];
  readonly terms: LeaseTerms;
  /** Monotonic. */
  readonly clock: Clock;
  /** The one all controllers share: only to tell when a lease ended, never to wait for that. */
  readonly stateClock: Clock;
  readonly witness: LeaseWitness;
  /** On the same clock. */
  readonly observer: LeaseObserver;
  /** The lease inside the database of a site, reached from the controller. */
  readonly siteLease: (site: SiteId) => SiteLease;
}

/** What is opened, and after whom. */
export interface LeaseGrant {
  readonly generation: number;
  /** The site that wrote before. */
  readonly from: SiteId;
  /** Whether the database of that site has confirmed that it accepts no write any more. */
  readonly stopped: boolean;
  /** Opens the database. */
  readonly open: (signal: AbortSignal) => Promise<void>;
}

export class WriterLease implements Fencer {
  readonly means: string = MEANS;
  readonly cutsReplication: boolean = false;
  readonly lastResort: boolean = true;
  /** The lease has to run out, and nothing makes that faster. */
  readonly patienceMs: number;
  readonly #options: WriterLeaseOptions;
  /** Since when, on our clock, a site makes no promises for older generations. */
  readonly #refusing = new Map<string, number>();

  constructor(options: WriterLeaseOptions) {
    this.#options = options;
    this.patienceMs = lapseMs(options.terms) + ASKING_MS;
  }

  /**
   * Stores the first document if there is none, for the site that is active now, at the epoch its
   * database has. Its agent takes the lease up; until then nothing limits that site and a fence
   * by lease proves nothing. Idempotent.
   * @returns whether there is a document now
   * @throws {CloudPhoenixError} `CONFLICT` if that database knows of a newer epoch than the roles
   */
  async establish(
    roles: { readonly generation: number; readonly active: SiteId },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { application, observer, siteLease, witness } = this.#options;
    if ((await observer.look(signal)) !== null) return true;
    const { role, epoch } = await siteLease(roles.active).read(signal);
    if (epoch > roles.generation) throw olderThanSite(roles, epoch);
    // In the middle of a move; the plan decides who is next.
    if (role !== "active") return false;
    const first = { application, epoch, holder: roles.active, renewals: 0 };
    return (await witness.replace(first, null, signal)) !== null;
  }

  /**
   * Seals the lease for `generation` and waits until nobody can hold it any more.
   * @returns `lease-expired`, or `unproven` with the reason
   * @throws {CloudPhoenixError} `STALE_GENERATION`
   */
  async fence(site: SiteId, generation: number, signal: AbortSignal): Promise<FenceProof> {
    try {
      const sealed = await this.#takeFrom(site, generation, signal);
      if (sealed === null) return unproven("no lease was ever granted");
      const { renewals } = sealed.lease;
      if (renewals === 0) return unproven(NEVER_TAKEN_UP);
      const detail =
        `the lease was sealed at generation ${generation} after ${renewals} renewals ` +
        `and has run out: none for ${lapseMs(this.#options.terms)} ms`;
      const { seen } = this.#options.observer;
      // Sealed, it could not be renewed until now.
      const ended =
        seen?.stored.lease.renewals === renewals
          ? this.#endOf(seen, this.#options.clock.now())
          : {};
      return { means: MEANS, degree: "lease-expired", detail, renewals, ...ended };
    } catch (error) {
      return unprovenBecause(MEANS, error);
    }
  }

  /**
   * Makes sure that nobody is granted the lease for `generation` or an older one any more, without
   * waiting for what was granted. Idempotent.
   * @returns the sealed document; null if there is none
   * @throws {CloudPhoenixError} `STALE_GENERATION`; `LEASE_REFUSED` if another site than `site`
   *   holds the lease for this very generation
   */
  seal(site: SiteId, generation: number, signal: AbortSignal): Promise<VersionedLease | null> {
    return this.#change(signal, ({ lease }) => {
      refuseOlder(lease, generation);
      if (lease.epoch === generation) {
        // Whoever fences late must not shut the site that was opened meanwhile.
        refuseUnlessFree(lease, site);
        if (lease.holder === null) return null;
      }
      return { ...lease, epoch: generation, holder: null };
    });
  }

  /**
   * Gives the sealed lease back to `site`, for the generation it was sealed for or a newer one.
   * Its agent renews it from then on. Idempotent.
   * @throws {CloudPhoenixError} `STALE_GENERATION`; `LEASE_REFUSED` while another site holds it
   */
  async unfence(site: SiteId, generation: number, signal: AbortSignal): Promise<void> {
    const { lease } = (await this.#options.observer.look(signal))?.stored ?? { lease: null };
    // Nothing to give back: this application lives without a lease until one is established.
    if (lease === null) return;
    if (lease.renewals > 0) await this.#putInForce(site, generation, signal);
    await this.#change(signal, (stored) => {
      refuseOlder(stored.lease, generation);
      refuseUnlessFree(stored.lease, site);
      const { holder, epoch, renewals } = stored.lease;
      if (holder === site && epoch === generation) return null;
      return {
        ...stored.lease,
        epoch: generation,
        holder: site,
        renewals: renewals === 0 ? 0 : renewals + 1,
      };
    });
  }

  async forecast(site: SiteId, signal: AbortSignal): Promise<FenceProof> {
    try {
      const { observer } = this.#options;
      const seen = observer.recent(FORECAST_AGE_MAX_MS) ?? (await observer.look(signal));
      if (seen === null) return unproven("no lease was ever granted");
      const { holder, renewals } = seen.stored.lease;
      if (holder !== null && holder !== site) return unproven(`${holder} holds the lease`);
      if (renewals === 0) return unproven(NEVER_TAKEN_UP);
      await this.#askOnePeer(site, (peer) => peer.read(signal));
      const detail = `the lease of ${site} can be sealed and runs out ${lapseMs(this.#options.terms)} ms after its last renewal`;
      const ended = holder === site ? this.#endOf(seen, seen.lastSeenMs) : {};
      return { means: MEANS, degree: "lease-expired", detail, renewals, ...ended };
    } catch (error) {
      return unproven(messageOf(error));
    }
  }

  /** For a proof: when `seen` ended, given until when it was not renewed. */
  #endOf(seen: SeenLease, unrenewedMs: number): Pick<FenceProof, "leaseEndedAtMs"> {
    const endedAtMs = leaseEndedAtMs(seen, unrenewedMs, this.#options);
    return endedAtMs === null ? {} : { leaseEndedAtMs: endedAtMs };
  }

  /**
   * Grants the lease to `site`, installs it there, and then opens the database, so that opening
   * does not wait for the next round of the site's agent. Idempotent.
   * @throws {CloudPhoenixError} `STALE_GENERATION`; `LEASE_REFUSED` while another site holds it
   *   for this generation; what the database throws
   */
  async open(
    site: SiteId,
    { generation, from, stopped, open }: LeaseGrant,
    signal: AbortSignal,
  ): Promise<void> {
    const { observer } = this.#options;
    const seen = await this.#ask("the witness", signal, (limited) => observer.look(limited));
    const held = seen?.stored.lease ?? null;
    if (held === null) throw noDocument();
    const isSealedOnly = held.epoch === generation && held.holder === null && !stopped;
    if (held.epoch < generation || isSealedOnly) {
      await this.#takeFrom(held.holder ?? from, generation, signal);
    }
    const siteLease = this.#options.siteLease(site);
    // Read before the grant, as the keeper does.
    const { nowMs } = await this.#withoutPromise(site, generation, signal);
    const grant = ({ lease }: VersionedLease): LeaseDocument => {
      refuseOlder(lease, generation);
      refuseUnlessFree(lease, site);
      return { ...lease, epoch: generation, holder: site, renewals: lease.renewals + 1 };
    };
    await this.#ask("the grant", signal, (limited) => this.#change(limited, grant));
    const untilMs = nowMs + this.#options.terms.ttlMs;
    const database = `the database of ${site}`;
    await this.#ask(database, signal, (limited) =>
      siteLease.extend({ epoch: generation, untilMs }, limited),
    );
    await this.#ask(database, signal, open);
  }

  /**
   * Asks with a limit of its own: opening may take as long as a lease lasts, and a request that was
   * lost must not cost all of that.
   */
  #ask<T>(
    what: string,
    signal: AbortSignal,
    question: (limited: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { clock } = this.#options;
    return withDeadline({ clock, limitMs: ASKING_MS, signal, what }, question);
  }

  /** @returns the document, sealed and (if it was ever taken up) run out; null if there is none */
  async #takeFrom(
    site: SiteId,
    generation: number,
    signal: AbortSignal,
  ): Promise<VersionedLease | null> {
    const sealed = await this.seal(site, generation, signal);
    if (sealed === null) return null;
    // Never taken up: there is nothing that could run out.
    if (sealed.lease.renewals === 0) return sealed;
    await Promise.all([
      this.#waitForLapse(sealed.lease.renewals, signal),
      this.#waitForPromises(site, generation, signal),
    ]);
    return sealed;
  }

  /**
   * Changes the document until it is as wanted. `next` returns null if it is already.
   * @returns the document as it is then; null if there is none
   */
  async #change(
    signal: AbortSignal,
    next: (stored: VersionedLease) => LeaseDocument | null,
  ): Promise<VersionedLease | null> {
    const { witness, observer } = this.#options;
    for (let race = 0; race < RACES_MAX; race += 1) {
      const seen = await observer.look(signal);
      if (seen === null) return null;
      const wanted = next(seen.stored);
      if (wanted === null) return seen.stored;
      const version = await witness.replace(wanted, seen.stored.version, signal);
      if (version !== null) return { lease: wanted, version };
    }
    throw new CloudPhoenixError("CONFLICT", "others kept changing the lease", { retryable: true });
  }

  async #waitForLapse(renewals: number, signal: AbortSignal): Promise<void> {
    const { clock, observer, terms } = this.#options;
    const { seen } = observer;
    // Only a look from before the seal tells how old the last renewal is.
    const known = seen !== null && seen.stored.lease.renewals === renewals;
    const endMs = (known ? seen.firstSeenMs : clock.now()) + lapseMs(terms);
    // A timer may fire a little early.
    while (clock.now() < endMs) await clock.sleep(endMs - clock.now(), signal);
  }

  /**
   * With `availability` the old holder may live on the promises of its peers. It needs all of
   * them, so one peer that refuses from now on is enough; what it promised must run out.
   */
  async #waitForPromises(site: SiteId, generation: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    await this.#askOnePeer(site, async (peer, id) => {
      const state = await peer.refusePromises(generation, signal);
      const key = `${id} ${generation}`;
      if (!this.#refusing.has(key)) this.#refusing.set(key, clock.now());
      const leftMs = this.#promiseLeftMs(state, this.#refusing.get(key) ?? clock.now());
      await clock.sleep(Math.max(0, leftMs), signal);
    });
  }

  /**
   * How long a promise may still hold, given since when none is made any more; 0 or less: it is over.
   * No promise is longer than the time after which the lease itself has lapsed.
   */
  #promiseLeftMs({ nowMs, promisedUntilMs }: SiteLeaseState, refusingSinceMs: number): number {
    const { clock, terms } = this.#options;
    const leftMs = (promisedUntilMs ?? Number.NEGATIVE_INFINITY) - nowMs;
    if (leftMs < -PROMISE_OLD_MS) return 0;
    return Math.max(leftMs, refusingSinceMs + lapseMs(terms) - clock.now());
  }

  /** Does nothing unless the terms let the holder live on promises. */
  async #askOnePeer(
    site: SiteId,
    ask: (peer: SiteLease, id: SiteId) => Promise<unknown>,
  ): Promise<void> {
    const { sites, siteLease, terms } = this.#options;
    if (terms.whenWitnessLost !== "availability") return;
    const peers = sites.filter((one) => one !== site);
    try {
      await Promise.any(peers.map((peer) => ask(siteLease(peer), peer)));
    } catch (error) {
      if (!(error instanceof AggregateError)) throw error;
      const stale = error.errors.find((one) => isRefusal(one));
      if (stale !== undefined) throw stale;
      const reasons = error.errors.map((one) => messageOf(one)).join("; ");
      throw new CloudPhoenixError(
        "UNREACHABLE",
        `no peer of ${site} could be told to make no promises: ${reasons}`,
        { retryable: true, cause: error },
      );
    }
  }

  /** The state of a site once it has no promise to keep. */
  async #withoutPromise(
    site: SiteId,
    generation: number,
    signal: AbortSignal,
  ): Promise<SiteLeaseState> {
    const { clock, siteLease } = this.#options;
    const key = `${site} ${generation}`;
    for (;;) {
      const state = await this.#ask(`the database of ${site}`, signal, (limited) =>
        siteLease(site).read(limited),
      );
      // A site that is about to open promises nothing; only what it promised before has to end. Kept
      // for the next try: starting anew each time might never come to an end.
      const sinceMs = this.#refusing.get(key) ?? clock.now();
      if (state.role === "active" && state.epoch === generation) this.#refusing.set(key, sinceMs);
      const leftMs = this.#promiseLeftMs(state, sinceMs);
      if (leftMs <= 0) return state;
      await clock.sleep(leftMs, signal);
    }
  }

  /** A site without any lease would be unlimited once unfenced; shut, it can be given one. */
  async #putInForce(site: SiteId, generation: number, signal: AbortSignal): Promise<void> {
    const siteLease = this.#options.siteLease(site);
    const { role, epoch, nowMs, untilMs } = await siteLease.read(signal);
    if (untilMs !== null) return;
    const unfenced = role === "active" && epoch === generation;
    if (unfenced) await siteLease.extend({ epoch, untilMs: nowMs }, signal);
    else await siteLease.surrender(generation, signal);
  }
}

const NEVER_TAKEN_UP = "the lease was never taken up by an agent, so nothing limits the site";

function refuseOlder(lease: LeaseDocument, generation: number): void {
  if (generation >= lease.epoch) return;
  throw new CloudPhoenixError(
    "STALE_GENERATION",
    `the writer lease is at generation ${lease.epoch}; a change for ${generation} is refused`,
    { retryable: false, hint: "Look which newer run took over." },
  );
}

/** Refuses to take the lease from another site. */
function refuseUnlessFree(lease: LeaseDocument, site: SiteId): void {
  if (lease.holder === null || lease.holder === site) return;
  throw new CloudPhoenixError("LEASE_REFUSED", `${lease.holder} holds the writer lease`, {
    retryable: false,
    hint: "Fence that site first; its lease must run out before another gets it.",
  });
}

function noDocument(): CloudPhoenixError {
  return new CloudPhoenixError("LEASE_REFUSED", "the witness knows of no lease", {
    retryable: true,
    hint: "Wait until the leading controller has established the lease.",
  });
}

function olderThanSite(
  roles: { readonly generation: number; readonly active: SiteId },
  epoch: number,
): CloudPhoenixError {
  return new CloudPhoenixError(
    "CONFLICT",
    `the state is at generation ${roles.generation}, but the database of ${roles.active} is at ${epoch}`,
    {
      retryable: false,
      hint: "Find out whether the state database was restored from a backup before you go on.",
    },
  );
}

function isRefusal(error: unknown): boolean {
  return error instanceof CloudPhoenixError && error.code === "STALE_GENERATION";
}

function unproven(detail: string): FenceProof {
  return { means: MEANS, degree: "unproven", detail };
}
