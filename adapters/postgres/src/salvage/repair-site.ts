/** The repair of a rejoining site; see `rejoin-site.ts` for why it is right. */
import type { RejoinResult } from "@cloudphoenix/engine";
import { ensurePublication } from "../publication.ts";
import type { PostgresContext } from "../postgres-context.ts";
import type { SiteConnection } from "../site-connections.ts";
import { pastTriggers } from "./apply-as-replica.ts";
import {
  changesBehind,
  changesOf,
  keptSlot,
  readInPortions,
  requireSlot,
  withDecodedSlot,
} from "./decoded-log.ts";
import type { Rejoining } from "./rejoin-site.ts";
import { markAsRepair } from "./repair-mark.ts";
import { type RepairCounts, repairTables } from "./repair-tables.ts";
import { readSalvageTables } from "./salvage-table.ts";
import { inSnapshot, type SnapshotSlot, withSnapshotSlot } from "./snapshot-slot.ts";
import { TouchedKeys } from "./touched-keys.ts";

/**
 * Makes the site equal to `to` at one position of its log, and moves the reverse slot there.
 * @throws {CloudPhoenixError} `REPLICATION_BROKEN` if one of the two slots lost its log
 */
export async function repairSite(
  context: PostgresContext,
  rejoining: Rejoining,
): Promise<RejoinResult> {
  const { site, to, reverseSlot, signal } = rejoining;
  const own = await keptSlot(context, site);
  await requireSlot(to, reverseSlot, site.site);
  // Before the position is taken: what is published counts from there on.
  await ensurePublication(to);
  return withSnapshotSlot(context, to.site, signal, async (snapshot) => {
    const result = await context.connections.withSession(to.site, signal, (source) =>
      inSnapshot(source, { slot: snapshot, limitMs: context.limits.bulkMs }, () =>
        repair(context, rejoining, { own, source }),
      ),
    );
    await moveSlot(context, rejoining, snapshot);
    return result;
  });
}

/** One transaction at the site, while `source` shows the other at the position. */
async function repair(
  context: PostgresContext,
  rejoining: Rejoining,
  { own, source }: { readonly own: string; readonly source: SiteConnection },
): Promise<RejoinResult> {
  const { site, to, appliedLsn, reverseSlot } = rejoining;
  const { bulkMs } = context.limits;
  const tables = await readSalvageTables(site);
  return site.transaction(
    async () => {
      const touched = new TouchedKeys(site, tables);
      await collect(context, rejoining, { at: site, slot: own, after: appliedLsn }, touched);
      await collect(context, rejoining, { at: to, slot: reverseSlot, after: null }, touched);
      await touched.flush();
      const byKey = touched.byKey().map(({ table }) => table);
      const copied = touched.whole();
      // Ours are tiny, and both sites write them all the time.
      const whole = [...copied, ...[...tables.values()].filter((table) => table.own)];
      const changed = [...byKey, ...whole];
      await markAsRepair(site);
      const counts: RepairCounts = await pastTriggers(site, changed, () =>
        repairTables({ site, source }, touched, whole, bulkMs),
      );
      return {
        ...counts,
        tables: byKey.map((table) => table.name),
        fullCopyTables: copied.map((table) => table.name),
        alreadyDone: false,
      };
    },
    // It rests while the other site is read, and shows life meanwhile: see `exclusively.ts`.
    `begin; set local statement_timeout = ${bulkMs}`,
  );
}

/** Notes every row that the log behind `slot` names, from commits behind `after` if given. */
async function collect(
  context: PostgresContext,
  rejoining: Rejoining,
  log: { readonly at: SiteConnection; readonly slot: string; readonly after: string | null },
  touched: TouchedKeys,
): Promise<void> {
  const { connections, limits } = context;
  // A session of its own: the one in `log` is in the middle of a transaction.
  await connections.withSession(log.at.site, rejoining.signal, (reader) =>
    withDecodedSlot(reader, log.slot, (copy) =>
      readInPortions<{ readonly data: string }>(
        reader,
        { query: changedRows(copy, log.after), limitMs: limits.lossReadMs },
        async (rows) => {
          for (const { data } of rows) await touched.add(data);
        },
      ),
    ),
  );
}

function changedRows(slot: string, after: string | null): string {
  if (after !== null) return changesBehind(slot, after, true);
  return `select data from ${changesOf(slot)} where data like 'table %'`;
}

/** The log before the position is in the repaired rows already; applying it again would collide. */
async function moveSlot(
  context: PostgresContext,
  { to, reverseSlot, signal }: Rejoining,
  { lsn }: SnapshotSlot,
): Promise<void> {
  await context.connections.withSession(to.site, signal, (connection) =>
    connection.transaction(
      () =>
        connection.query("select pg_replication_slot_advance($1, $2::pg_lsn)", [reverseSlot, lsn], {
          timeoutMs: context.limits.lossReadMs,
        }),
      `begin; set local statement_timeout = ${context.limits.lossReadMs}`,
    ),
  );
}
