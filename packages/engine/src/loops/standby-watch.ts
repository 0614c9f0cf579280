/**
 * What is known about the standbys, refreshed in the background.
 *
 * 1. `facts` never waits: a decision must not depend on whether a dead site answers.
 * 2. Every question has a short limit; an old answer turns into "unknown", never into "fine".
 * 3. What can only be found out while both sites live is kept for the next leader.
 */
import {
  type Application,
  type FenceProof,
  type LastAlive,
  type SiteId,
  type StandbyFacts,
  type Status,
  hasCode,
  messageOf,
  strongestFence,
} from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { ReplicationWatch } from "../ports/database-control.ts";
import type { ObjectWatch } from "../ports/object-data.ts";
import type { Fencer, SiteEntry } from "../ports/site-control.ts";
import type { FactStore } from "../ports/state-store.ts";
import { BrokenStandbys } from "../replication/broken-standbys.ts";
import { ComparedSchemas } from "../replication/compared-schemas.ts";
import type { ComparedPair } from "../replication/kept-by-pair.ts";
import { withDeadline } from "../waiting/with-deadline.ts";

const REFRESH_MS = 1_000;
const QUESTION_LIMIT_MS = 800;
/** Several refreshes may fail before an answer counts as gone. */
const ANSWER_LASTS_MS = 5_000;

export interface StandbyWatchPorts {
  readonly application: Application;
  readonly clock: Clock;
  readonly entry: SiteEntry;
  readonly fencers: readonly Fencer[];
  readonly replication: ReplicationWatch;
  readonly facts: FactStore;
  /** Null where the application has no objects. */
  readonly objects: { readonly watch: ObjectWatch } | null;
}

interface EntryAnswer {
  readonly atMs: number;
  readonly status: Status;
  readonly detail: string;
}

export class StandbyWatch {
  readonly #ports: StandbyWatchPorts;
  readonly #entries = new Map<SiteId, EntryAnswer>();
  readonly #forecasts = new Map<string, { readonly atMs: number; readonly proof: FenceProof }>();
  readonly #schemas: ComparedSchemas;
  readonly #broken: BrokenStandbys;

  constructor(ports: StandbyWatchPorts) {
    this.#ports = ports;
    this.#schemas = new ComparedSchemas(ports);
    this.#broken = new BrokenStandbys(ports);
  }

  /** Keeps asking until `signal` aborts. */
  async run(active: () => SiteId, signal: AbortSignal): Promise<void> {
    this.#schemas.forget();
    this.#broken.forget();
    while (!signal.aborted) {
      try {
        await this.refresh(active(), signal);
        await this.#ports.clock.sleep(REFRESH_MS, signal);
      } catch (error) {
        if (!hasCode(error, "ABORTED")) throw error;
      }
    }
  }

  /** Asks everything once, all at the same time. */
  async refresh(active: SiteId, signal: AbortSignal): Promise<void> {
    const standbys = this.#ports.application.sites.filter((site) => site.id !== active);
    await Promise.all([
      ...standbys.map((site) => this.#askEntry(site.id, signal)),
      ...standbys.map((site) => this.#keepForNext({ active, standby: site.id }, signal)),
      ...this.#ports.fencers.map((fencer) => this.#askFencer(fencer, active, signal)),
    ]);
  }

  /** Reads what earlier leaders kept about the standbys of `active`; a new leader does so first. */
  async recall(active: SiteId): Promise<void> {
    for (const { id } of this.#ports.application.sites) {
      if (id === active) continue;
      await this.#schemas.recall({ active, standby: id });
      await this.#broken.recall({ active, standby: id });
    }
  }

  /** What is known now about every site but `active`. */
  facts(active: SiteId): readonly StandbyFacts[] {
    const { application, objects, clock } = this.#ports;
    const fence = this.#fenceOf(active);
    const leaseEndedAtMs = this.leaseEnded(active)?.atMs ?? null;
    return application.sites
      .filter((site) => site.id !== active)
      .map(({ id }): StandbyFacts => {
        const entry = this.#entries.get(id);
        const fresh = entry !== undefined && clock.now() - entry.atMs <= ANSWER_LASTS_MS;
        return {
          site: id,
          entry: fresh ? entry.status : "unknown",
          entryDetail: fresh ? entry.detail : "its entry has not been seen lately",
          replication: this.#broken.facts({ active, standby: id }),
          objects: objects?.watch.facts(id) ?? null,
          schemaDifferences: this.#schemas.differences({ active, standby: id }, leaseEndedAtMs),
          ...fence,
        };
      });
  }

  /** How often `active` had renewed its lease when that was looked at last; null if nobody knows lately. */
  leaseRenewals(active: SiteId): number | null {
    const [renewals] = this.#ports.fencers.flatMap(
      ({ means }) => this.#forecastOf(means, active)?.renewals ?? [],
    );
    return renewals ?? null;
  }

  /** When the lease of `active` ended, as it was seen lately to have run out; null if it was not. */
  leaseEnded(active: SiteId): LastAlive | null {
    const [atMs] = this.#ports.fencers.flatMap(
      ({ means }) => this.#forecastOf(means, active)?.leaseEndedAtMs ?? [],
    );
    return atMs === undefined ? null : { site: active, atMs };
  }

  /** What `means` would prove against `active`; null if it has not said so lately. */
  #forecastOf(means: string, active: SiteId): FenceProof | null {
    const answer = this.#forecasts.get(forecastKey(means, active));
    if (answer === undefined) return null;
    return this.#ports.clock.now() - answer.atMs <= ANSWER_LASTS_MS ? answer.proof : null;
  }

  #fenceOf(active: SiteId): Pick<StandbyFacts, "fenceObtainable" | "fenceDetail"> {
    const forecasts = this.#ports.fencers.map((fencer) => ({
      fencer,
      proof: this.#forecastOf(fencer.means, active),
    }));
    const proofs = forecasts.flatMap(({ proof }) => proof ?? []);
    const stranded = forecasts.some(
      ({ fencer, proof }) =>
        fencer.lastResort === true && (proof === null || proof.degree === "unproven"),
    );
    return {
      // The site that must be fenced may be the one that has just died: it confirms nothing then.
      fenceObtainable: strongestFence(
        stranded ? proofs.filter(({ degree }) => degree !== "confirmed") : proofs,
      ),
      fenceDetail:
        proofs.map((proof) => `${proof.means}: ${proof.degree}, ${proof.detail}`).join("; ") ||
        "no means of fencing has answered lately",
    };
  }

  /** While the state database is away nothing is kept; the next refresh tries again. */
  async #keepForNext(pair: ComparedPair, signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    const question = { clock, limitMs: QUESTION_LIMIT_MS, signal, what: "keeping what was seen" };
    try {
      await withDeadline(question, () =>
        Promise.all([this.#schemas.keep(pair), this.#broken.keep(pair)]),
      );
    } catch (error) {
      if (signal.aborted) throw error;
    }
  }

  async #askEntry(site: SiteId, signal: AbortSignal): Promise<void> {
    const { clock, entry } = this.#ports;
    const atMs = clock.now();
    const question = { clock, limitMs: QUESTION_LIMIT_MS, signal, what: `the entry of ${site}` };
    try {
      const answer = await withDeadline(question, (limited) =>
        entry.check(site, "standing-by", limited),
      );
      this.#entries.set(site, { atMs, ...answer });
    } catch (error) {
      if (signal.aborted) throw error;
      this.#entries.set(site, { atMs, status: "unhealthy", detail: messageOf(error) });
    }
  }

  async #askFencer(fencer: Fencer, active: SiteId, signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    const { means } = fencer;
    const atMs = clock.now();
    const question = { clock, limitMs: QUESTION_LIMIT_MS, signal, what: `fencer ${means}` };
    try {
      const proof = await withDeadline(question, (limited) => fencer.forecast(active, limited));
      this.#forecasts.set(forecastKey(means, active), { atMs, proof });
    } catch (error) {
      if (signal.aborted) throw error;
      const proof: FenceProof = { means, degree: "unproven", detail: messageOf(error) };
      this.#forecasts.set(forecastKey(means, active), { atMs, proof });
    }
  }
}

function forecastKey(means: string, site: SiteId): string {
  return `${means} ${site}`;
}
