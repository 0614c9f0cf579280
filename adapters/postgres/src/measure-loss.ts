/**
 * Reads from a returned old primary exactly which transactions the standby never got. Its slot
 * still keeps them; reading moves nothing.
 */
import type { LossReport, SiteId } from "@cloudphoenix/core";
import { type DecodedRow, LostTransactions } from "./lost-transactions.ts";
import { parseLsn } from "./lsn.ts";
import type { PostgresContext } from "./postgres-context.ts";
import { changesOf, keptSlot, readInPortions, withDecodedSlot } from "./salvage/decoded-log.ts";
import { readSalvageTables } from "./salvage/salvage-table.ts";
import type { SiteConnection } from "./site-connections.ts";

/**
 * @param applied - position up to which the new primary had applied (`Promotion.appliedLsn`)
 * @throws {CloudPhoenixError} `CONFLICT` if writes are open at `from`; `REPLICATION_BROKEN` if it
 *   no longer keeps that part of its log
 */
export async function measureLostTransactions(
  context: PostgresContext,
  { from, applied }: { readonly from: SiteId; readonly applied: string },
  signal: AbortSignal,
): Promise<LossReport> {
  const lost = await context.connections.withSession(from, signal, (connection) =>
    readLostTransactions(context, connection, applied),
  );
  return lost.report();
}

/** The same, with everything that was noticed on the way. */
export async function readLostTransactions(
  context: PostgresContext,
  connection: SiteConnection,
  applied: string,
): Promise<LostTransactions> {
  const slot = await keptSlot(context, connection);
  const tables = await readSalvageTables(connection);
  const keys = [...tables.values()].map((one) => [one.name, one.key ?? []] as const);
  const lost = new LostTransactions(parseLsn(applied), new Map(keys));
  await withDecodedSlot(connection, slot, (copy) =>
    readInPortions<DecodedRow>(
      connection,
      {
        query: `select lsn::text, data from ${changesOf(copy)}`,
        limitMs: context.limits.lossReadMs,
      },
      (rows) => {
        for (const row of rows) lost.add(row);
      },
    ),
  );
  return lost;
}
