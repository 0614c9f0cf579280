/**
 * The lease as plans use it: taken from one site, given to another.
 *
 * 1. A lease changes hands only through the seal: sealed (nobody may renew), run out, granted.
 * 2. Sealing and granting carry the generation of the plan; whoever comes with an older one is
 *    refused by the document itself, however late.
 * 3. "Run out" is judged on our own clock, from when the last renewal was first seen.
 */
import { CloudPhoenixError, type FenceProof, type SiteId, messageOf } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { LeaseDocument, LeaseWitness, SiteLease, VersionedLease } from "../ports/lease.ts";
import type { Fencer } from "../ports/site-control.ts";
import type { LeaseObserver } from "./lease-observer.ts";
import { type LeaseTerms, lapseMs } from "./lease-terms.ts";

/** Name of this means of fencing in proofs. */
const MEANS = "lease";

const RACES_MAX = 10;

export interface WriterLeaseOptions {
  readonly application: string;
  readonly sites: readonly SiteId[];
  readonly terms: LeaseTerms;
  readonly clock: Clock;
  readonly witness: LeaseWitness;
  readonly observer: LeaseObserver;
  /** The lease inside the database of a site, reached from the controller. */
  readonly siteLease: (site: SiteId) => SiteLease;
}

export class WriterLease implements Fencer {
  readonly means: string = MEANS;
  readonly cutsReplication: boolean = false;
  /** The lease has to run out, and nothing makes that faster. */
  readonly patienceMs: number;
  readonly #options: WriterLeaseOptions;

  constructor(options: WriterLeaseOptions) {
    this.#options = options;
    this.patienceMs = 2 * lapseMs(options.terms);
  }

  /** Stores the first document if there is none. Idempotent. */
  async establish(
    roles: { readonly generation: number; readonly active: SiteId },
    signal: AbortSignal,
  ): Promise<void> {
    const { application, witness } = this.#options;
    if ((await witness.read(signal)) !== null) return;
    const first = { application, epoch: roles.generation, holder: roles.active, renewals: 0 };
    await witness.replace(first, null, signal);
  }

  /**
   * Seals the lease for `generation` and waits until `site` cannot hold it any more.
   * @returns `lease-expired`, or `unproven` with the reason
   */
  async fence(site: SiteId, generation: number, signal: AbortSignal): Promise<FenceProof> {
    try {
      const sealed = await this.#seal(site, generation, signal);
      if (sealed === null) return unproven("no lease was ever granted");
      await this.#waitForLapse(sealed.lease, signal);
      await this.#waitForPromises(site, generation, signal);
      const detail =
        `the lease was sealed at generation ${generation} after ${sealed.lease.renewals} renewals ` +
        `and has run out: none for ${lapseMs(this.#options.terms)} ms`;
      return { means: MEANS, degree: "lease-expired", detail };
    } catch (error) {
      if (isRefusal(error)) throw error;
      return unproven(messageOf(error));
    }
  }

  /**
   * Gives the sealed lease back to `site`, for the generation it was sealed for or a newer one.
   * Its agent renews it from then on.
   * @throws {CloudPhoenixError} `STALE_GENERATION`; `LEASE_REFUSED` while another site holds it
   */
  async unfence(site: SiteId, generation: number, signal: AbortSignal): Promise<void> {
    await this.grant(site, generation, signal);
  }

  async forecast(site: SiteId, signal: AbortSignal): Promise<FenceProof> {
    try {
      const seen = this.#options.observer.seen ?? (await this.#options.observer.look(signal));
      if (seen === null) return unproven("no lease was ever granted");
      const { holder } = seen.stored.lease;
      if (holder !== null && holder !== site) return unproven(`${holder} holds the lease`);
      const detail = `the lease of ${site} can be sealed and runs out ${lapseMs(this.#options.terms)} ms after its last renewal`;
      return { means: MEANS, degree: "lease-expired", detail };
    } catch (error) {
      return unproven(messageOf(error));
    }
  }

  /**
   * Makes `site` the holder at `generation`.
   * @throws {CloudPhoenixError} `STALE_GENERATION`; `LEASE_REFUSED` while another site holds it
   */
  async grant(site: SiteId, generation: number, signal: AbortSignal): Promise<void> {
    await this.#change(signal, ({ lease }) => {
      refuseOlder(lease, generation);
      if (lease.holder !== null && lease.holder !== site) {
        throw new CloudPhoenixError("LEASE_REFUSED", `${lease.holder} holds the writer lease`, {
          retryable: false,
          hint: "Fence that site first; its lease must run out before another gets it.",
        });
      }
      if (lease.holder === site && lease.epoch === generation) return null;
      return { ...lease, epoch: generation, holder: site, renewals: lease.renewals + 1 };
    });
  }

  /**
   * Grants the lease to `site`, lets `open` open its database, and installs the first lease there,
   * so that opening does not wait for the next round of the site's agent.
   */
  async open(
    site: SiteId,
    { generation, open }: { readonly generation: number; readonly open: () => Promise<void> },
    signal: AbortSignal,
  ): Promise<void> {
    const siteLease = this.#options.siteLease(site);
    // Read before the grant, as the keeper does.
    const { nowMs } = await siteLease.read(signal);
    await this.grant(site, generation, signal);
    await open();
    const untilMs = nowMs + this.#options.terms.ttlMs;
    await siteLease.extend({ epoch: generation, untilMs }, signal);
  }

  /** @returns the sealed document; null if there is none */
  async #seal(
    site: SiteId,
    generation: number,
    signal: AbortSignal,
  ): Promise<VersionedLease | null> {
    return this.#change(signal, ({ lease }) => {
      refuseOlder(lease, generation);
      const held = lease.holder !== null && lease.holder !== site;
      if (held && lease.epoch === generation) {
        throw new CloudPhoenixError(
          "LEASE_REFUSED",
          `${lease.holder ?? "another site"} holds the writer lease for generation ${generation}`,
          { retryable: false, hint: "Look which run granted it." },
        );
      }
      if (lease.holder === null && lease.epoch === generation) return null;
      return { ...lease, epoch: generation, holder: null };
    });
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

  async #waitForLapse(sealed: LeaseDocument, signal: AbortSignal): Promise<void> {
    const { clock, observer, terms } = this.#options;
    const seen = await observer.look(signal);
    const known = seen !== null && seen.stored.lease.renewals === sealed.renewals;
    const sinceMs = known ? seen.firstSeenMs : clock.now();
    await clock.sleep(Math.max(0, sinceMs + lapseMs(terms) - clock.now()), signal);
  }

  /**
   * With `availability` the old holder may live on the promises of its peers. It needs all of
   * them, so one peer that refuses from now on is enough; what it promised must run out.
   */
  async #waitForPromises(site: SiteId, generation: number, signal: AbortSignal): Promise<void> {
    const { clock, sites, siteLease, terms } = this.#options;
    if (terms.whenWitnessLost !== "availability") return;
    const peers = sites.filter((one) => one !== site);
    await Promise.any(
      peers.map(async (peer) => {
        const state = await siteLease(peer).refusePromises(generation, signal);
        const leftMs = Math.max(0, (state.promisedUntilMs ?? 0) - state.nowMs);
        await clock.sleep(leftMs, signal);
      }),
    );
  }
}

function refuseOlder(lease: LeaseDocument, generation: number): void {
  if (generation >= lease.epoch) return;
  throw new CloudPhoenixError(
    "STALE_GENERATION",
    `the writer lease is at generation ${lease.epoch}; a change for ${generation} is refused`,
    { retryable: false, hint: "Look which newer run took over." },
  );
}

function isRefusal(error: unknown): boolean {
  return error instanceof CloudPhoenixError && error.code === "STALE_GENERATION";
}

function unproven(detail: string): FenceProof {
  return { means: MEANS, degree: "unproven", detail };
}
