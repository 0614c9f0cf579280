/**
 * What operators do about a quarantined site. Every act is recorded with who and why.
 *
 * 1. Reading changes nothing and streams: the tail may be larger than memory.
 * 2. An export counts as a decision only if it was complete: as many changes as were sent here.
 * 3. Accepting counts once per person.
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

interface Person {
  readonly by: string;
  readonly reason: string;
}

export class QuarantineDesk {
  readonly #ports: QuarantineDeskPorts;
  /** Changes sent by the newest complete reading, per site. */
  readonly #sent = new Map<SiteId, number>();

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
    const { appliedLsn } = await this.#parting(this.of(site));
    let sent = 0;
    for await (const row of this.#ports.salvage.rows(site, appliedLsn, signal)) {
      sent += 1;
      yield row;
    }
    this.#sent.set(site, sent);
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
  async accept(site: SiteId, { by, reason }: Person): Promise<Quarantine> {
    const quarantine = this.of(site);
    if (peopleWhoAccepted(quarantine).has(personOf(by))) {
      throw new CloudPhoenixError("CONFLICT", `${by} has accepted this loss already`, {
        retryable: false,
        hint: "Each person counts once: see cloudphoenix quarantine show for what is missing.",
      });
    }
    return this.#decide(quarantine, { kind: "accepted", by, reason, atMs: this.#now() });
  }

  /**
   * Records that the data was kept in a file.
   * @throws {CloudPhoenixError} `CONFLICT` unless `rows` is what the newest reading sent
   */
  async exported(
    site: SiteId,
    { by, rows, file }: { readonly by: string; readonly rows: number; readonly file: string },
  ): Promise<Quarantine> {
    const quarantine = this.of(site);
    const sent = this.#sent.get(site);
    if (sent !== rows) {
      throw new CloudPhoenixError(
        "CONFLICT",
        `${rows} changes were written to the file, but ${sent ?? "none"} were sent`,
        { retryable: false, hint: "Export again." },
      );
    }
    const reason = `kept in ${file}`;
    return this.#decide(quarantine, {
      kind: "exported",
      by,
      reason,
      rows,
      file,
      atMs: this.#now(),
    });
  }

  /** Writes the data to the current writer, key by key; what conflicts is left out and told. */
  async reapply(site: SiteId, { by, reason }: Person, signal: AbortSignal): Promise<ReapplyResult> {
    const quarantine = this.of(site);
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
    const atMs = this.#now();
    await this.#decide(quarantine, { kind: "reapplied", by, reason, applied, conflicting, atMs });
    return result;
  }

  async #decide(quarantine: Quarantine, decision: QuarantineDecision): Promise<Quarantine> {
    // The record may have grown meanwhile, for instance by what the site holds.
    const now = this.of(quarantine.site);
    const decided = { ...now, decisions: [...now.decisions, decision] };
    await this.#ports.returned.put(decided);
    return decided;
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
