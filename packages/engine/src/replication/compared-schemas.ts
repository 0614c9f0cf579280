/**
 * What the last comparison of two sites' schemas found, known to every leader.
 *
 * A schema can be compared while both sites answer, and is asked about when one of them has died. If
 * the leader died with it, the next one could never compare; without a comparison a move waits for
 * people. So each comparison is kept in the state database, where the next leader finds it.
 */
import { type Json, type SiteId, isFromTheFuture } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { ReplicationWatch, SchemaComparison } from "../ports/database-control.ts";
import type { FactStore } from "../ports/state-store.ts";

/** Schemas change rarely, and a dead site's schema not at all: an older comparison still counts. */
const COMPARISON_LASTS_MS = 600_000;

export interface ComparedSchemasPorts {
  readonly clock: Clock;
  readonly facts: FactStore;
  readonly replication: ReplicationWatch;
}

/** A writer and a site that follows it. */
export interface ComparedPair {
  readonly active: SiteId;
  readonly standby: SiteId;
}

export class ComparedSchemas {
  readonly #ports: ComparedSchemasPorts;
  /** What is in the state database, by key; null if nothing is. Absent: not read yet. */
  readonly #kept = new Map<string, SchemaComparison | null>();
  readonly #beingKept = new Set<string>();

  constructor(ports: ComparedSchemasPorts) {
    this.#ports = ports;
  }

  /** Nothing that was read before counts: another leader may have compared since. */
  forget(): void {
    this.#kept.clear();
  }

  /** Reads what an earlier leader kept, once. @throws {CloudPhoenixError} `STATE_UNAVAILABLE` */
  async recall(pair: ComparedPair): Promise<void> {
    const key = keyOf(pair);
    if (this.#kept.has(key)) return;
    const stored = comparisonIn(await this.#ports.facts.get(key));
    if (!this.#kept.has(key)) this.#kept.set(key, stored);
  }

  /**
   * Keeps what was compared since the last call; nothing while that is still being done.
   * @throws {CloudPhoenixError} `STATE_UNAVAILABLE`
   */
  async keep(pair: ComparedPair): Promise<void> {
    const key = keyOf(pair);
    const compared = this.#compared(pair);
    if (compared === null || compared.atMs === this.#kept.get(key)?.atMs) return;
    if (this.#beingKept.has(key)) return;
    this.#beingKept.add(key);
    try {
      await this.#ports.facts.put(key, { ...compared });
      this.#kept.set(key, compared);
    } finally {
      this.#beingKept.delete(key);
    }
  }

  /** The differences that count now; null if nobody could compare lately. */
  differences(pair: ComparedPair): readonly string[] | null {
    const newest = this.#compared(pair) ?? this.#kept.get(keyOf(pair)) ?? null;
    if (newest === null) return null;
    const nowMs = this.#ports.clock.now();
    const counts =
      nowMs - newest.atMs <= COMPARISON_LASTS_MS && !isFromTheFuture(newest.atMs, nowMs);
    return counts ? newest.differences : null;
  }

  /** By this process. */
  #compared({ active, standby }: ComparedPair): SchemaComparison | null {
    const { replication } = this.#ports;
    return replication.active === active ? replication.schemaComparison(standby) : null;
  }
}

function keyOf({ active, standby }: ComparedPair): string {
  return `compared-schemas:${active}:${standby}`;
}

function comparisonIn(stored: Json): SchemaComparison | null {
  if (typeof stored !== "object" || stored === null || !("differences" in stored)) return null;
  const { atMs, differences } = stored;
  if (typeof atMs !== "number" || !Array.isArray(differences)) return null;
  return { atMs, differences: differences.map(String) };
}
