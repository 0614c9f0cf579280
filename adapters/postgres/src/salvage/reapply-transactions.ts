/**
 * Applies lost transactions at the site that took over, as far as nothing there contradicts them.
 *
 * 1. "Changed since the sites parted" is what the writer's own log says (the reverse slot keeps it
 *    from before the first write), not a guess from values.
 * 2. Rows are locked before the last look at the log, and all that was committed until then is in
 *    it, so nobody changes them between look and deed.
 * 3. Rows change as replication changes them, without firing triggers; foreign keys and deferrable
 *    constraints are checked by hand, and gate and lease are asked once more before the end, so a
 *    site that lost its right to write in between refuses the whole.
 * 4. One transaction, which also records its result.
 */
import { CloudPhoenixError, type SiteId } from "@cloudphoenix/core";
import type { ReapplyResult } from "@cloudphoenix/engine";
import { exclusively } from "../exclusively.ts";
import { checkLeaseAtCommit } from "../lease/lease-guard.ts";
import { readLostTransactions } from "../measure-loss.ts";
import { slotName } from "../object-names.ts";
import type { PostgresContext } from "../postgres-context.ts";
import type { SiteConnection } from "../site-connections.ts";
import { claimSite } from "../site-row.ts";
import { readGate } from "../write-gate.ts";
import { applyAsOrigin, applyAsReplica } from "./apply-as-replica.ts";
import {
  changesOf,
  flushLog,
  readInPortions,
  requireSlot,
  withDecodedSlot,
} from "./decoded-log.ts";
import { DeferrableConstraints } from "./deferrable-constraints.ts";
import { eachDivergentRow } from "./divergent-rows.ts";
import { ForeignKeys } from "./foreign-keys.ts";
import { LostKeys } from "./lost-keys.ts";
import { LostTables, type SiteTables } from "./lost-tables.ts";
import {
  ensureReapplyRecords,
  readReapplyRecord,
  type Tail,
  writeReapplyRecord,
} from "./reapply-record.ts";
import { Replay } from "./replay.ts";
import { readSalvageTables, type SalvageTable } from "./salvage-table.ts";

interface ReapplyRequest extends Tail {
  readonly to: SiteId;
  readonly generation: number;
}

/** What one re-application works with. */
interface Reapplying {
  readonly request: ReapplyRequest;
  readonly writer: SiteConnection;
  readonly tables: ReadonlyMap<string, SalvageTable>;
  readonly keys: LostKeys;
  readonly lost: LostTables;
  readonly signal: AbortSignal;
}

/** See `Salvage.reapply`. */
export async function reapplyTransactions(
  context: PostgresContext,
  request: ReapplyRequest,
  signal: AbortSignal,
): Promise<ReapplyResult> {
  return context.connections.withSession(request.to, signal, (writer) =>
    exclusively(writer, () => reapply(context, request, writer, signal), context),
  );
}

async function reapply(
  context: PostgresContext,
  request: ReapplyRequest,
  writer: SiteConnection,
  signal: AbortSignal,
): Promise<ReapplyResult> {
  await claimWriter(writer, request.generation);
  await ensureReapplyRecords(writer);
  const earlier = await readReapplyRecord(writer, request);
  if (earlier !== null) return earlier;
  await refuseRepaired(context, request, signal);
  const slot = slotName(context.application, request.from);
  await requireSlot(writer, slot, request.from);
  const tables = await readSalvageTables(writer);
  const keys = new LostKeys(tables);
  const lost = new LostTables();
  await eachDivergentRow(context, lostOf(request), signal, async (rows) => {
    for (const row of rows) {
      keys.want(row);
      lost.note(row);
    }
  });
  const old = await tablesAt(context, request.from, signal);
  lost.requireSame(old, { site: writer.site, tables });
  return apply(context, { request, writer, tables, keys, lost, signal }, slot);
}

async function claimWriter(writer: SiteConnection, generation: number): Promise<void> {
  const row = await claimSite(writer, generation, ["active"]);
  if (row?.writesOpen === true) return;
  throw new CloudPhoenixError("CONFLICT", `writes are not open at site ${writer.site}`, {
    retryable: false,
    hint: "Name the site that took over.",
  });
}

/** After a repair the log of the old primary still names the lost rows, but the reverse slot has moved. */
async function refuseRepaired(
  context: PostgresContext,
  { from, appliedLsn }: ReapplyRequest,
  signal: AbortSignal,
): Promise<void> {
  const lost = await context.connections.withSession(from, signal, (connection) =>
    readLostTransactions(context, connection, appliedLsn),
  );
  if (!lost.details().repaired) return;
  throw new CloudPhoenixError("CONFLICT", `site ${from} is being repaired already`, {
    retryable: false,
    hint: "Let the site rejoin; its lost rows can still be exported until then.",
  });
}

async function tablesAt(
  context: PostgresContext,
  site: SiteId,
  signal: AbortSignal,
): Promise<SiteTables> {
  const tables = await context.connections.withSession(site, signal, readSalvageTables);
  return { site, tables };
}

async function apply(
  context: PostgresContext,
  reapplying: Reapplying,
  slot: string,
): Promise<ReapplyResult> {
  const { request, writer, tables, keys, lost, signal } = reapplying;
  return context.connections.withSession(request.to, signal, (reader) =>
    withDecodedSlot(reader, slot, async (copy) => {
      const look = (): Promise<void> =>
        readInPortions<{ readonly data: string }>(
          reader,
          {
            query: `select data from ${changesOf(copy, true)} where data like 'table %'`,
            limitMs: context.limits.lossReadMs,
          },
          (rows) => {
            for (const { data } of rows) keys.noteTaken(data);
          },
        );
      // Most of the log is read before anything is locked, the rest in an instant.
      await look();
      return writer.transaction(async () => {
        await applyAsReplica(writer);
        const deferrable = await DeferrableConstraints.read(writer);
        await deferrable.lock(lost.written());
        await keys.lock(writer);
        await flushLog(reader);
        await look();
        const foreignKeys = await ForeignKeys.read(writer);
        const replay = new Replay(writer, tables, { keys, foreignKeys, deferrable });
        await eachDivergentRow(context, lostOf(request), signal, async (rows) => {
          for (const row of rows) await replay.add(row);
        });
        const result = await replay.finish();
        await applyAsOrigin(writer);
        await askGates(context, writer, replay.changedTables());
        await writeReapplyRecord(writer, request, result);
        return result;
      }, BEGIN_APPLYING);
    }),
  );
}

/** Each statement has to see what was committed until then, whatever is usual in this database. */
const BEGIN_APPLYING = "begin isolation level read committed";

/**
 * Looked up, not tried: a statement would fire the application's triggers, too. A gate that is open
 * now stays open until the end, because closing it waits for whoever has written to its table. The
 * lease is looked at in the commit, which may come late.
 */
async function askGates(
  context: PostgresContext,
  writer: SiteConnection,
  tables: ReadonlySet<string>,
): Promise<void> {
  const open = new Set((await readGate(writer)).open);
  const closed = [...tables].filter((name) => !open.has(name));
  if (closed.length > 0) {
    throw new CloudPhoenixError(
      "CONFLICT",
      `writes are closed at site ${writer.site}: ${closed.join(", ")}`,
      { retryable: false, hint: "Name the site that took over; nothing was applied." },
    );
  }
  if (context.connections.isLeased(writer.site)) await checkLeaseAtCommit(writer);
}

function lostOf({ from, appliedLsn }: Tail): { readonly from: SiteId; readonly applied: string } {
  return { from, applied: appliedLsn };
}
