/**
 * What the last comparison of two sites' schemas found, known to every leader.
 *
 * A schema can be compared while both sites answer, and is asked about when one of them has died. If
 * the leader died with it, the next one could never compare; without a comparison a move waits for
 * people. So each comparison is kept in the state database, where the next leader finds it.
 *
 * It counts for ten minutes of time in which anything can have changed. At a site whose lease ended
 * nothing is written any more, so where that is known the time ends there, if the standby still has the
 * schema that it had when it was compared.
 */
import { type Json, isFromTheFuture } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { ReplicationWatch, SchemaComparison } from "../ports/database-control.ts";
import type { FactStore } from "../ports/state-store.ts";
import { type ComparedPair, KeptByPair } from "./kept-by-pair.ts";

/** Schemas change rarely: an older comparison still counts. */
const COMPARISON_LASTS_MS = 600_000;
/** The standby is read twice a minute; a look or two may fail. */
const STANDBY_READ_WITHIN_MS = 120_000;

export interface ComparedSchemasPorts {
  readonly clock: Clock;
  readonly facts: FactStore;
  readonly replication: ReplicationWatch;
}

export class ComparedSchemas {
  readonly #ports: ComparedSchemasPorts;
  readonly #kept: KeptByPair<SchemaComparison>;

  constructor(ports: ComparedSchemasPorts) {
    this.#ports = ports;
    this.#kept = new KeptByPair({
      facts: ports.facts,
      name: "compared-schemas",
      parse: comparisonIn,
      store: (compared) => ({ ...compared }),
    });
  }

  /** Nothing that was read before counts: another leader may have compared since. */
  forget(): void {
    this.#kept.forget();
  }

  /** Reads what an earlier leader kept, once. @throws {CloudPhoenixError} `STATE_UNAVAILABLE` */
  recall(pair: ComparedPair): Promise<void> {
    return this.#kept.recall(pair);
  }

  /**
   * Keeps what was compared since the last call; nothing while that is still being done.
   * @throws {CloudPhoenixError} `STATE_UNAVAILABLE`
   */
  async keep(pair: ComparedPair): Promise<void> {
    const compared = this.#compared(pair);
    if (compared === null || compared.atMs === this.#kept.get(pair)?.atMs) return;
    await this.#kept.unlessBusy(pair, () => this.#kept.put(pair, compared));
  }

  /**
   * The differences that count now; null if nobody could compare lately.
   * @param leaseEndedAtMs - when the lease of the active site ended; null if it may be in force
   */
  differences(pair: ComparedPair, leaseEndedAtMs: number | null): readonly string[] | null {
    const newest = this.#compared(pair) ?? this.#kept.get(pair);
    if (newest === null) return null;
    const nowMs = this.#ports.clock.now();
    if (isFromTheFuture(newest.atMs, nowMs)) return null;
    const isFrozen = leaseEndedAtMs !== null && this.#isStandbyUnchanged(pair, newest);
    const untilMs = isFrozen ? Math.min(nowMs, leaseEndedAtMs) : nowMs;
    return untilMs - newest.atMs <= COMPARISON_LASTS_MS ? newest.differences : null;
  }

  #isStandbyUnchanged({ active, standby }: ComparedPair, compared: SchemaComparison): boolean {
    const { clock, replication } = this.#ports;
    if (replication.active !== active) return false;
    const read = replication.standbySchema(standby);
    return (
      read !== null &&
      clock.now() - read.atMs <= STANDBY_READ_WITHIN_MS &&
      read.digest === compared.standbyDigest
    );
  }

  /** By this process. */
  #compared({ active, standby }: ComparedPair): SchemaComparison | null {
    const { replication } = this.#ports;
    return replication.active === active ? replication.schemaComparison(standby) : null;
  }
}

function comparisonIn(stored: Json): SchemaComparison | null {
  if (typeof stored !== "object" || stored === null || !("differences" in stored)) return null;
  const { atMs, differences, standbyDigest } = stored;
  if (typeof atMs !== "number" || !Array.isArray(differences)) return null;
  // A release before kept none: it equals no schema.
  const digest = typeof standbyDigest === "string" ? standbyDigest : "";
  return { atMs, standbyDigest: digest, differences: differences.map(String) };
}
