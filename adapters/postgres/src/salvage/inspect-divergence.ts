/** What a returned old primary holds, added up, and whether it can be brought home. */
import { hasCode, messageOf, type SiteId } from "@cloudphoenix/core";
import type { DivergenceSummary } from "@cloudphoenix/engine";
import { readLostTransactions } from "../measure-loss.ts";
import { slotName } from "../object-names.ts";
import type { PostgresContext } from "../postgres-context.ts";
import { readSchema } from "../read-schema.ts";
import { schemaDifferences } from "../schema-object.ts";
import { readSiteRow } from "../site-row.ts";
import { isSlotLost, readSlot } from "../slot.ts";
import { readSalvageTables } from "./salvage-table.ts";

/** See `Salvage.inspect`. */
export async function inspectDivergence(
  context: PostgresContext,
  { from, applied }: { readonly from: SiteId; readonly applied: string },
  signal: AbortSignal,
): Promise<DivergenceSummary> {
  return context.connections.withSession(from, signal, async (connection) => {
    const lost = await readLostTransactions(context, connection, applied);
    const report = lost.report();
    const { firstAtMs, lastAtMs, truncatedTables } = lost.details();
    const tables = await readSalvageTables(connection);
    const touched = Object.keys(report.rowsByTable);
    const keyless = touched.filter((name) => (tables.get(name)?.key ?? null) === null);
    const obstacles = await obstaclesAtPeers(context, from, signal);
    return {
      transactions: report.transactions,
      rowsByTable: report.rowsByTable,
      truncatesTables: truncatedTables,
      firstAtMs,
      lastAtMs,
      rpoMs: report.rpoMs,
      repairable: obstacles.length === 0,
      obstacles,
      fullCopyTables: [...new Set([...truncatedTables, ...keyless])].toSorted(),
    };
  });
}

async function obstaclesAtPeers(
  context: PostgresContext,
  from: SiteId,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const peers = context.sites.filter((site) => site !== from);
  const found = await Promise.all(
    peers.map((peer) => obstaclesAt(context, { from, peer }, signal)),
  );
  return found.flat();
}

async function obstaclesAt(
  context: PostgresContext,
  { from, peer }: { readonly from: SiteId; readonly peer: SiteId },
  signal: AbortSignal,
): Promise<readonly string[]> {
  try {
    return await context.connections.withSession(peer, signal, async (there) => {
      const obstacles: string[] = [];
      const row = await readSiteRow(there);
      if (row?.role !== "active") obstacles.push(`site ${peer} is ${row?.role ?? "not set up"}`);
      const slot = await readSlot(there, slotName(context.application, from));
      if (slot === null || isSlotLost(slot)) {
        obstacles.push(`site ${peer} no longer keeps the log that ${from} has not read`);
      }
      const right = { site: peer, objects: await readSchema(there) };
      const left = await context.connections.withSession(from, signal, readSchema);
      return [...obstacles, ...schemaDifferences({ site: from, objects: left }, right)];
    });
  } catch (error) {
    if (hasCode(error, "ABORTED")) throw error;
    return [`site ${peer} cannot be asked: ${messageOf(error)}`];
  }
}
