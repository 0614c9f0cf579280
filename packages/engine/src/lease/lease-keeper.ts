/**
 * Keeps the lease of one site alive, from inside that site.
 *
 * 1. The database's clock is read first, then the grant is asked for, then the end is installed as
 *    "what was read + ttl". A pause between any two of these only shortens the lease.
 * 2. Whatever is not an explicit grant is no grant: without the witness the lease runs out, unless
 *    the terms say `availability` and every peer promises that its site stays closed.
 * 3. A newer epoch at the witness ends the lease at once: the site is fenced from within.
 * 4. Nothing is remembered that safety depends on; a restarted keeper is as good as the old one.
 * 5. The first renewal ever is counted only after the database has a lease at all: whoever sees a
 *    renewal may rely on it that the site stops by itself.
 */
import {
  CloudPhoenixError,
  type SiteId,
  hasCode,
  messageOf,
  unreachable,
} from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type {
  LeaseDocument,
  LeasePeer,
  LeaseWitness,
  SiteLease,
  SiteLeaseState,
} from "../ports/lease.ts";
import { withDeadline } from "../waiting/with-deadline.ts";
import { type LeaseTerms, lapseMs } from "./lease-terms.ts";

/** What one round came to; for logs, metrics and the agent's API. */
export type LeaseRound =
  | { readonly kind: "renewed"; readonly epoch: number; readonly by: "witness" | "peers" }
  | { readonly kind: "standing-by"; readonly epoch: number }
  | { readonly kind: "surrendered"; readonly epoch: number; readonly detail: string }
  | { readonly kind: "refused"; readonly detail: string }
  | { readonly kind: "failed"; readonly detail: string };

export interface LeaseKeeperOptions {
  readonly site: SiteId;
  readonly terms: LeaseTerms;
  readonly clock: Clock;
  readonly witness: LeaseWitness;
  readonly lease: SiteLease;
  /** Agents of every other site; asked only when the witness is lost and the terms allow it. */
  readonly peers: readonly LeasePeer[];
  /** Called after every round. */
  readonly onRound?: (round: LeaseRound) => void;
}

type WitnessAnswer =
  | { readonly kind: "granted" }
  | { readonly kind: "refused"; readonly detail: string }
  | { readonly kind: "outranked"; readonly epoch: number; readonly detail: string }
  | { readonly kind: "silent"; readonly detail: string };

type Stance =
  | Exclude<WitnessAnswer, { readonly kind: "granted" | "silent" }>
  | { readonly kind: "holder" };

/** How often a renewal is tried again when another writer of the document was faster. */
const RACES_MAX = 3;

export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  /** Renews until `signal` aborts. Never throws for anything that answers badly. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, terms, onRound } = this.#options;
    while (!signal.aborted) {
      const beganMs = clock.now();
      const round = await this.round(signal);
      onRound?.(round);
      try {
        await clock.sleep(Math.max(0, beganMs + terms.renewMs - clock.now()), signal);
      } catch (error) {
        if (!hasCode(error, "ABORTED")) throw error;
      }
    }
  }

  /**
   * Renews once. Two rounds fit between a renewal and the end of the lease, so that one question
   * that hangs does not cost the lease. Work of a round that was given up may still arrive; it
   * can only shorten the lease.
   */
  async round(signal: AbortSignal): Promise<LeaseRound> {
    const { clock } = this.#options;
    const limitMs = this.#roundMs;
    try {
      return await withDeadline({ clock, limitMs, signal, what: "renewing the lease" }, (limited) =>
        this.#renew(limited),
      );
    } catch (error) {
      return { kind: "failed", detail: messageOf(error) };
    }
  }

  get #roundMs(): number {
    const { renewMs, ttlMs } = this.#options.terms;
    return Math.floor((ttlMs - renewMs) / 2);
  }

  async #renew(signal: AbortSignal): Promise<LeaseRound> {
    const { lease } = this.#options;
    const state = await lease.read(signal);
    const { epoch, role } = state;
    if (role !== "active") return { kind: "standing-by", epoch };
    const answer = await this.#askWitness(state, signal);
    switch (answer.kind) {
      case "refused":
        return answer;
      case "outranked":
        await lease.surrender(answer.epoch, signal);
        return { kind: "surrendered", epoch: answer.epoch, detail: answer.detail };
      case "silent":
        await this.#askPeers(state, answer.detail, signal);
        await this.#install(state, signal);
        return { kind: "renewed", epoch, by: "peers" };
      case "granted":
        await this.#install(state, signal);
        return { kind: "renewed", epoch, by: "witness" };
      default:
        return unreachable(answer);
    }
  }

  /** `state` was read before the grant was asked for: rule 1. */
  async #install({ epoch, nowMs }: SiteLeaseState, signal: AbortSignal): Promise<void> {
    const { lease, terms } = this.#options;
    await lease.extend({ epoch, untilMs: nowMs + terms.ttlMs }, signal);
  }

  async #askWitness(state: SiteLeaseState, signal: AbortSignal): Promise<WitnessAnswer> {
    const { clock } = this.#options;
    try {
      // Half of the round is left to ask the peers and to install what they grant.
      const limit = { clock, limitMs: this.#roundMs / 2, signal, what: "the witness" };
      return await withDeadline(limit, (limited) => this.#renewAtWitness(state, limited));
    } catch (error) {
      if (signal.aborted) throw error;
      return { kind: "silent", detail: messageOf(error) };
    }
  }

  async #renewAtWitness(state: SiteLeaseState, signal: AbortSignal): Promise<WitnessAnswer> {
    const { witness } = this.#options;
    for (let race = 0; race < RACES_MAX; race += 1) {
      const stored = await witness.read(signal);
      if (stored === null) return { kind: "refused", detail: "the witness knows of no lease" };
      const { lease, version } = stored;
      const stance = this.#stance(lease, state);
      if (stance.kind !== "holder") return stance;
      // Rule 5. Until now nothing limits this site, so any end is stricter than what is.
      if (state.untilMs === null) await this.#install(state, signal);
      const next = { ...lease, renewals: lease.renewals + 1 };
      if ((await witness.replace(next, version, signal)) !== null) return { kind: "granted" };
    }
    return { kind: "refused", detail: "others kept changing the lease" };
  }

  #stance(lease: LeaseDocument, { epoch }: SiteLeaseState): Stance {
    const { site } = this.#options;
    const holder = lease.holder ?? "nobody";
    const detail = `epoch ${lease.epoch} belongs to ${holder}; ${site} is at ${epoch}`;
    if (lease.holder === site) {
      if (lease.epoch === epoch) return { kind: "holder" };
      // A plan has given us a newer epoch and is about to tell our database. Surrendering that
      // epoch would shut the site the plan opens.
      return { kind: "refused", detail };
    }
    if (lease.epoch <= epoch) return { kind: "refused", detail };
    return { kind: "outranked", epoch: lease.epoch, detail };
  }

  async #askPeers(state: SiteLeaseState, why: string, signal: AbortSignal): Promise<void> {
    const { peers, terms } = this.#options;
    if (terms.whenWitnessLost === "consistency" || peers.length === 0) {
      throw new CloudPhoenixError("UNREACHABLE", `the witness is lost: ${why}`, {
        retryable: true,
        hint: "Bring the witness back; until then this site stops taking writes.",
      });
    }
    const wish = { epoch: state.epoch, durationMs: lapseMs(terms) };
    await Promise.all(peers.map((peer) => peer.promise(wish, signal)));
  }
}
