/** What a re-application did, written in its own transaction so that it is done once. */
import type { SiteId } from "@cloudphoenix/core";
import type { DivergentRow, ReapplyResult } from "@cloudphoenix/engine";
import { SCHEMA } from "../object-names.ts";
import type { SiteConnection } from "../site-connections.ts";

const TABLE = `${SCHEMA}.reapplied`;

/** One tail: the site that holds it and the position it starts behind. */
export interface Tail {
  readonly from: SiteId;
  readonly appliedLsn: string;
}

/** Made when first needed: databases set up earlier do not have it. */
export async function ensureReapplyRecords(connection: SiteConnection): Promise<void> {
  await connection.query(
    `create table if not exists ${TABLE} (
       from_site text not null,
       applied_lsn pg_lsn not null,
       applied bigint not null,
       conflicting bigint not null,
       conflicts jsonb not null,
       recorded_at timestamptz not null default clock_timestamp(),
       primary key (from_site, applied_lsn))`,
  );
}

/** Null if this tail was never applied here. */
export async function readReapplyRecord(
  connection: SiteConnection,
  { from, appliedLsn }: Tail,
): Promise<ReapplyResult | null> {
  const [row] = await connection.query<{
    readonly applied: number;
    readonly conflicting: number;
    readonly conflicts: readonly DivergentRow[];
  }>(
    `select applied::float8, conflicting::float8, conflicts from ${TABLE}
     where from_site = $1 and applied_lsn = $2`,
    [from, appliedLsn],
  );
  if (row === undefined) return null;
  return { ...row, conflicts: row.conflicts.map(complete), alreadyDone: true };
}

/** Records of earlier versions say nothing of the row before. */
function complete(row: Omit<DivergentRow, "before" | "unchanged">): DivergentRow {
  return { before: null, unchanged: [], ...row };
}

export async function writeReapplyRecord(
  connection: SiteConnection,
  { from, appliedLsn }: Tail,
  { applied, conflicting, conflicts }: ReapplyResult,
): Promise<void> {
  await connection.query(
    `insert into ${TABLE} (from_site, applied_lsn, applied, conflicting, conflicts)
     values ($1, $2, $3, $4, $5)`,
    [from, appliedLsn, applied, conflicting, JSON.stringify(conflicts)],
  );
}
