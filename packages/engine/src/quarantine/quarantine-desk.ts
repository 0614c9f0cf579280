/**
 * What operators do about a quarantined site. Every act is recorded with who and why.
 *
 * 1. Reading changes nothing and streams: the tail may be larger than memory.
 * 2. An export counts as a decision only if it was complete: as many changes as were sent here.
 * 3. Accepting counts once per person.
 * 4. A decision is about the writes the site had when it was read: one that took writes again
 *    meanwhile, or may take them, is not decided about.
 */
import { CloudPhoenixError, type Policy, type SiteId } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { DatabaseControl } from "../ports/database-control.ts";
import type { DivergentObjectPage, DivergentObjects } from "../ports/object-data.ts";
import type { DivergentRow, ReapplyResult, Salvage } from "../ports/salvage.ts";
import type { FactStore } from "../ports/state-store.ts";
import type { ReturnedPrimaries } from "../loops/returned-primaries.ts";
import { partingIn, partingKey } from "./parting.ts";
import { peopleWhoAccepted, type Quarantine, type QuarantineDecision } from "./quarantine.ts";
import { personOf } from "../runner/person.ts";

export interface QuarantineDeskPorts {
  readonly clock: Clock;
  readonly databases: Pick<DatabaseControl, "inspect">;
  readonly facts: Pick<FactStore, "get">;
  readonly policy: Pick<Policy, "approversForRisk">;
  readonly returned: ReturnedPrimaries;
  readonly salvage: Pick<Salvage, "rows" | "reapply">;
  /** Null where the application has no objects. */
  readonly divergentObjects: DivergentObjects | null;
}

interface Reading {
  readonly rows: number;
  readonly reopenedAtMs: number | null;
}

interface Person {
  readonly by: string;
  readonly reason: string;
}

export class QuarantineDesk {
  readonly #ports: QuarantineDeskPorts;
  /** Changes sent by the newest complete reading, per site, and whether it had been open before. */
  readonly #sent = new Map<SiteId, Reading>();

  constructor(ports: QuarantineDeskPorts) {
    this.#ports = ports;
  }

  /** Every quarantine there is. */
  list(): readonly Quarantine[] {
    return this.#ports.returned.quarantines;
  }

  /** @throws {CloudPhoenixError} `NOT_FOUND` */
  of(site: SiteId): Quarantine {
    const quarantine = this.list().find((one) => one.site === site);
    if (quarantine !== undefined) return quarantine;
    throw new CloudPhoenixError("NOT_FOUND", `${site} is not quarantined`, {
      retryable: false,
      hint: "List what is: cloudphoenix quarantine show.",
    });
  }

  /**
   * Every change only `site` has, in commit order.
   * @throws {CloudPhoenixError} `NOT_FOUND`, `CONFLICT` if it cannot be told, and as the salvage
   */
  async *rows(site: SiteId, signal: AbortSignal): AsyncGenerator<DivergentRow> {
    const { reopenedAtMs } = this.of(site);
    const { appliedLsn } = await this.#parting(this.of(site));
    let sent = 0;
    for await (const row of this.#ports.salvage.rows(site, appliedLsn, signal)) {
      sent += 1;
      yield row;
    }
    this.#sent.set(site, { rows: sent, reopenedAtMs });
  }

  /**
   * Every object only `site` has, or has otherwise than the writer; null where there are no objects.
   * @throws {CloudPhoenixError} `NOT_FOUND`; the iteration as `DivergentObjects`
   */
  objects(site: SiteId, signal: AbortSignal): AsyncIterable<DivergentObjectPage> | null {
    const { writer } = this.of(site);
    return this.#ports.divergentObjects?.compare(site, writer, signal) ?? null;
  }

  /** Gives the data up, in the name of one person; it may take several. */
  accept(site: SiteId, { by, reason }: Person): Promise<Quarantine> {
    return this.#decide(site, (quarantine) => {
      if (peopleWhoAccepted(quarantine).has(personOf(by))) {
        throw new CloudPhoenixError("CONFLICT", `${by} has accepted this loss already`, {
          retryable: false,
          hint: "Each person counts once: see cloudphoenix quarantine show for what is missing.",
        });
      }
      return { kind: "accepted", by, reason, atMs: this.#now() };
    });
  }

  /**
   * Records that the data was kept in a file.
   * @throws {CloudPhoenixError} `CONFLICT` unless `rows` is what the newest reading sent
   */
  async exported(
    site: SiteId,
    { by, rows, file }: { readonly by: string; readonly rows: number; readonly file: string },
  ): Promise<Quarantine> {
    const reading = this.#sent.get(site);
    return this.#decide(site, ({ reopenedAtMs }) => {
      const sent = reading?.reopenedAtMs === reopenedAtMs ? reading.rows : undefined;
      if (sent !== rows) throw exportedLess(rows, sent);
      return { kind: "exported", by, reason: `kept in ${file}`, rows, file, atMs: this.#now() };
    });
  }

  /**
   * Writes the data to the current writer, key by key; what conflicts is left out and told.
   * @throws {CloudPhoenixError} `CONFLICT` if the site takes writes meanwhile: what was written back
   *   stays, and is no decision; as the salvage
   */
  async reapply(site: SiteId, { by, reason }: Person, signal: AbortSignal): Promise<ReapplyResult> {
    const quarantine = this.#shut(site);
    const { databases, salvage } = this.#ports;
    const { appliedLsn } = await this.#parting(quarantine);
    const { generation } = await databases.inspect(quarantine.writer, signal);
    const result = await salvage.reapply(
      site,
      quarantine.writer,
      { appliedLsn, generation },
      signal,
    );
    const { applied, conflicting, alreadyDone } = result;
    if (alreadyDone && quarantine.decisions.some((one) => one.kind === "reapplied")) return result;
    if (alreadyDone && quarantine.reopenedAtMs !== null) throw reappliedLess(quarantine);
    await this.#decide(site, ({ reopenedAtMs }) => {
      // It takes minutes: what the site took since it was read has not been written back.
      if (reopenedAtMs !== quarantine.reopenedAtMs) throw reappliedLess(quarantine);
      return { kind: "reapplied", by, reason, applied, conflicting, atMs: this.#now() };
    });
    return result;
  }

  /** Adds what `decision` makes of the newest record: it may have changed since anybody looked. */
  #decide(site: SiteId, decision: (newest: Quarantine) => QuarantineDecision): Promise<Quarantine> {
    return this.#ports.returned.change(site, () => {
      const now = this.#shut(site);
      return { ...now, decisions: [...now.decisions, decision(now)] };
    });
  }

  /**
   * A site about whose writes can be decided: what it takes after a decision would be lost.
   * @throws {CloudPhoenixError} `CONFLICT` while it is not surely shut
   */
  #shut(site: SiteId): Quarantine {
    const quarantine = this.of(site);
    const { degree, detail } = quarantine.fence;
    if (degree === "confirmed") return quarantine;
    throw new CloudPhoenixError(
      "CONFLICT",
      `${site} may still take writes: its fence is ${degree} (${detail})`,
      {
        retryable: true,
        hint: "It is fenced again every second. Remove what stands in the way, then decide.",
      },
    );
  }

  async #parting({ site, writer }: Quarantine): Promise<{ readonly appliedLsn: string }> {
    const parting = partingIn(await this.#ports.facts.get(partingKey(writer, site)));
    if (parting !== null && parting.appliedLsn !== null) return { appliedLsn: parting.appliedLsn };
    throw new CloudPhoenixError("CONFLICT", `where ${writer} and ${site} parted is not known`, {
      retryable: false,
      hint: "Compare the tables of both sites by hand; only a full re-seed brings the site back.",
    });
  }

  #now(): number {
    return this.#ports.clock.now();
  }
}

function exportedLess(rows: number, sent: number | undefined): CloudPhoenixError {
  return new CloudPhoenixError(
    "CONFLICT",
    `${rows} changes were written to the file, but ${sent ?? "none"} were sent`,
    { retryable: false, hint: "Export again." },
  );
}

function reappliedLess({ site }: Quarantine): CloudPhoenixError {
  return new CloudPhoenixError(
    "CONFLICT",
    `what was written back is less than ${site} holds: it took writes again after that`,
    {
      retryable: false,
      hint: "Export what it holds (cloudphoenix quarantine export --file FILE); all of it is listed.",
    },
  );
}
