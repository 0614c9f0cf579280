/** Everything an agent does for the writer lease of its own site. */
import { PostgresLeaseWitness } from "@cloudphoenix/adapter-dbos";
import { PostgresSiteLease } from "@cloudphoenix/adapter-postgres";
import {
  type Configuration,
  type KeeperConfiguration,
  type LeaseConfiguration,
  readSecretFile,
} from "@cloudphoenix/config";
import type { SiteId } from "@cloudphoenix/core";
import {
  type Clock,
  LeaseKeeper,
  type LeasePeer,
  type LeaseRound,
  type SiteLease,
} from "@cloudphoenix/engine";
import { HttpLeasePeer } from "./http-lease-peer.ts";

/** What the agent tells about the lease it keeps. */
export interface LeaseView {
  readonly site: SiteId;
  /** Outcome of the last round; `starting` before the first. */
  readonly state: LeaseRound["kind"] | "starting";
  readonly epoch: number | null;
  /** Why, if the lease was not renewed; null if it was. */
  readonly detail: string | null;
  /** Who granted the last renewal. */
  readonly by: "witness" | "peers" | null;
  /** Since the last renewal, milliseconds; null if this process has renewed nothing yet. */
  readonly renewedAgoMs: number | null;
  /** Rounds by outcome since this process started. */
  readonly rounds: Readonly<Record<string, number>>;
}

/** The desk of the site in which this agent runs. */
export interface LeaseOffice {
  view(): LeaseView;
  /** The lease in the site's database, for promises to peers and local fences. */
  readonly lease: SiteLease;
  /** Stops renewing; what is installed runs out by itself. */
  close(): Promise<void>;
}

export interface LeaseOfficeOptions {
  readonly configuration: Configuration;
  readonly vantage: string;
  readonly clock: Clock;
  /** Told when a round comes to something else than the one before. */
  readonly onChange: (round: LeaseRound) => void;
}

/**
 * Starts keeping the lease of the site in which `vantage` stands.
 * @returns null where there is no lease to keep: none is configured, or the vantage is in no site
 */
export function openLeaseOffice(options: LeaseOfficeOptions): LeaseOffice | null {
  const { configuration, vantage, clock } = options;
  const id = configuration.vantages.find((one) => one.id === vantage)?.site ?? null;
  const site = configuration.sites.find((one) => one.id === id);
  const terms = configuration.lease;
  if (terms === null || site === undefined || site.keeper === null) return null;
  const ways = waysOf(configuration, site.id, site.keeper);
  const journal = new RoundJournal(site.id, options);
  const keeper = new LeaseKeeper({
    site: site.id,
    terms: terms satisfies LeaseConfiguration,
    clock,
    ...ways,
    onRound: (round) => journal.add(round),
  });
  const stopping = new AbortController();
  const running = keeper.run(stopping.signal);
  return {
    lease: ways.lease,
    view: () => journal.view(),
    async close() {
      stopping.abort();
      await running;
      await Promise.all([ways.lease.close(), ways.witness.close()]);
    },
  };
}

function waysOf(
  { application, sites }: Configuration,
  own: SiteId,
  keeper: KeeperConfiguration,
): {
  readonly lease: PostgresSiteLease;
  readonly witness: PostgresLeaseWitness;
  readonly peers: readonly LeasePeer[];
} {
  return {
    lease: PostgresSiteLease.forAgent({
      site: own,
      url: keeper.databaseUrl,
      password: () => readSecretFile(keeper.databasePasswordFile),
    }),
    witness: new PostgresLeaseWitness({
      application: application.name,
      url: keeper.witnessUrl,
      password: () => readSecretFile(keeper.witnessPasswordFile),
      log: () => undefined,
    }),
    peers: sites.flatMap(({ id, keeper: peer }) =>
      id === own || peer === null
        ? []
        : [
            new HttpLeasePeer({
              site: id,
              url: peer.peerUrl,
              token: () => readSecretFile(peer.peerTokenFile),
            }),
          ],
    ),
  };
}

class RoundJournal {
  readonly #site: SiteId;
  readonly #options: LeaseOfficeOptions;
  readonly #rounds: Record<string, number> = {};
  #last: LeaseRound | null = null;
  #renewedAtMs: number | null = null;

  constructor(site: SiteId, options: LeaseOfficeOptions) {
    this.#site = site;
    this.#options = options;
  }

  add(round: LeaseRound): void {
    const { clock, onChange } = this.#options;
    if (round.kind === "renewed") this.#renewedAtMs = clock.now();
    this.#rounds[round.kind] = (this.#rounds[round.kind] ?? 0) + 1;
    const changed = this.#last?.kind !== round.kind;
    this.#last = round;
    if (changed) onChange(round);
  }

  view(): LeaseView {
    const { clock } = this.#options;
    const last = this.#last;
    return {
      site: this.#site,
      state: last?.kind ?? "starting",
      epoch: last !== null && "epoch" in last ? last.epoch : null,
      detail: last !== null && "detail" in last ? last.detail : null,
      by: last?.kind === "renewed" ? last.by : null,
      renewedAgoMs:
        this.#renewedAtMs === null
          ? null
          : Math.max(0, Math.round(clock.now() - this.#renewedAtMs)),
      rounds: { ...this.#rounds },
    };
  }
}
