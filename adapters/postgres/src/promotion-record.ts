/** What a promotion found and decided, written down before anything is destroyed. */
import type { SiteId } from "@cloudphoenix/core";
import { SCHEMA } from "./object-names.ts";
import type { SiteConnection } from "./site-connections.ts";

export interface PromotionRecord {
  readonly generation: number;
  readonly from: SiteId;
  readonly appliedLsn: string | null;
  /** Newest heartbeat of the old primary that was applied; null if none. */
  readonly completeUntilMs: number | null;
  readonly reverseSlot: string;
  /** Value each sequence is moved to, by qualified name. */
  readonly sequences: Readonly<Record<string, string>>;
  readonly completed: boolean;
}

interface StoredRecord {
  readonly generation: string;
  readonly from_site: string;
  readonly applied_lsn: string | null;
  readonly complete_until_ms: string | null;
  readonly reverse_slot: string;
  readonly sequences: Readonly<Record<string, string>>;
  readonly completed: boolean;
}

/** The newest promotion of this database; null if it never was promoted since it became a standby. */
export async function readPromotion(connection: SiteConnection): Promise<PromotionRecord | null> {
  const [row] = await connection.query<StoredRecord>(
    `select generation, from_site, applied_lsn::text, complete_until_ms, reverse_slot, sequences,
       completed_at is not null as completed
     from ${SCHEMA}.promotion order by generation desc limit 1`,
  );
  if (row === undefined) return null;
  return {
    generation: Number(row.generation),
    from: row.from_site,
    appliedLsn: row.applied_lsn,
    completeUntilMs: row.complete_until_ms === null ? null : Number(row.complete_until_ms),
    reverseSlot: row.reverse_slot,
    sequences: row.sequences,
    completed: row.completed,
  };
}

export async function writePromotion(
  connection: SiteConnection,
  record: PromotionRecord,
): Promise<void> {
  await connection.query(
    `insert into ${SCHEMA}.promotion
       (generation, from_site, applied_lsn, complete_until_ms, reverse_slot, sequences)
     values ($1, $2, $3, $4, $5, $6)`,
    [
      record.generation,
      record.from,
      record.appliedLsn,
      record.completeUntilMs,
      record.reverseSlot,
      JSON.stringify(record.sequences),
    ],
  );
}

export async function completePromotion(
  connection: SiteConnection,
  generation: number,
): Promise<void> {
  await connection.query(
    `update ${SCHEMA}.promotion set completed_at = coalesce(completed_at, clock_timestamp())
     where generation = $1`,
    [generation],
  );
}

/** Forgets earlier promotions: the database becomes a standby, what it once was ends here. */
export async function forgetPromotions(connection: SiteConnection): Promise<void> {
  await connection.query(`delete from ${SCHEMA}.promotion`);
}
