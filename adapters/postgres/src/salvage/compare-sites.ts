/**
 * Compares the tables of a writer and its follower while both go on.
 *
 * The writer is read in a snapshot at a known position of its log, the follower in a snapshot taken
 * once it had applied at least that position. What the follower may show beyond it was committed
 * at the writer in between, and the writer's log names those rows: they are left out on both
 * sides. All others must be equal, so a difference is never a false alarm. The rows left out are
 * those of a few round trips, however long the tables take to read, because both snapshots stand.
 */
import { CloudPhoenixError, type SiteId } from "@cloudphoenix/core";
import type { RowValues, SiteComparison, TableComparison } from "@cloudphoenix/engine";
import { parseLsn } from "../lsn.ts";
import { slotName } from "../object-names.ts";
import { pollUntil } from "../poll-until.ts";
import type { PostgresContext } from "../postgres-context.ts";
import type { SiteConnection } from "../site-connections.ts";
import { isSlotLost, readSlot } from "../slot.ts";
import { readSubscription } from "../subscription.ts";
import { ChangingRows } from "./changing-rows.ts";
import {
  keyColumns,
  nameList,
  readSalvageTables,
  type SalvageTable,
  sameKey,
  typedRows,
} from "./salvage-table.ts";
import { beginReading, inSnapshot, type SnapshotSlot, withSnapshotSlot } from "./snapshot-slot.ts";

/** Tables that change without naming their rows get this many chances to stand still. */
const ROUNDS_MAX = 3;

const CATCH_UP_POLL_MS = 10;
const CATCH_UP_LIMIT_MS = 60_000;

interface Sites {
  readonly writer: SiteId;
  readonly follower: SiteId;
}

/** Both sites inside their snapshots. */
interface Sides {
  readonly writer: SiteConnection;
  readonly follower: SiteConnection;
  readonly limitMs: number;
}

interface Round {
  readonly lsn: string;
  readonly tables: readonly TableComparison[];
  readonly unsettled: readonly string[];
}

/** See `Salvage.compare`. */
export async function compareSites(
  context: PostgresContext,
  sites: Sites,
  signal: AbortSignal,
): Promise<SiteComparison> {
  let round = await compareOnce(context, sites, signal, null);
  for (let done = 1; done < ROUNDS_MAX && round.unsettled.length > 0; done += 1) {
    const again = await compareOnce(context, sites, signal, new Set(round.unsettled));
    round = { ...again, tables: [...round.tables, ...again.tables] };
  }
  const tables = round.tables.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const equal = round.unsettled.length === 0 && tables.every((table) => table.equal);
  return { lsn: round.lsn, tables, unsettled: round.unsettled, equal };
}

/** @param only - names of the tables to compare; all if null */
async function compareOnce(
  context: PostgresContext,
  sites: Sites,
  signal: AbortSignal,
  only: ReadonlySet<string> | null,
): Promise<Round> {
  const { connections, limits } = context;
  await requireFollowing(context, sites, signal);
  return withSnapshotSlot(context, sites.writer, signal, (slot) =>
    connections.withSession(sites.writer, signal, (writer) =>
      inSnapshot(writer, { slot, limitMs: limits.bulkMs }, async () => {
        await waitForFollower(context, sites, slot, signal);
        return connections.withSession(sites.follower, signal, (follower) =>
          follower.transaction(
            () => compareIn({ writer, follower, limitMs: limits.bulkMs }, slot, only),
            beginReading(limits.bulkMs),
          ),
        );
      }),
    ),
  );
}

async function compareIn(
  sides: Sides,
  slot: SnapshotSlot,
  only: ReadonlySet<string> | null,
): Promise<Round> {
  // The follower's first question fixes its snapshot, so the writer's log is asked after it.
  const there = await readSalvageTables(sides.follower);
  const changing = new ChangingRows(await readSalvageTables(sides.writer));
  await slot.changesSince((data) => changing.add(data));
  const tables: TableComparison[] = [];
  const unsettled: string[] = [];
  for (const table of changing.tables()) {
    if (table.own || (only !== null && !only.has(table.name))) continue;
    if (!there.has(table.name)) throw missing(sides.follower.site, table.name);
    const keys = changing.keysOf(table.name);
    if (keys === null) unsettled.push(table.name);
    else tables.push(await compareTable(sides, table, keys));
  }
  return { lsn: slot.lsn, tables, unsettled };
}

async function compareTable(
  { writer, follower, limitMs }: Sides,
  table: SalvageTable,
  changing: readonly RowValues[],
): Promise<TableComparison> {
  const [here, there] = await Promise.all([
    checksum(writer, table, changing, limitMs),
    checksum(follower, table, changing, limitMs),
  ]);
  return {
    name: table.name,
    rows: here.rows,
    checksumWriter: here.sum,
    checksumFollower: there.sum,
    equal: here.rows === there.rows && here.sum === there.sum,
    changing: changing.length,
  };
}

/**
 * Number of rows and sum of their hashes, without those with keys in `without`. MD5, because its
 * result does not depend on the server's version or machine; columns by name, because their order
 * may differ between sites.
 */
async function checksum(
  connection: SiteConnection,
  table: SalvageTable,
  without: readonly RowValues[],
  limitMs: number,
): Promise<{ readonly rows: number; readonly sum: string }> {
  const row = `row(${nameList(table.columns, "t.")})::text`;
  const hash = `('x' || left(md5(${row}), 16))::bit(64)::bigint`;
  const columns = keyColumns(table);
  const others =
    without.length === 0
      ? ""
      : `where not exists (select from ${typedRows(columns, "k")} where ${sameKey(table, "t", "k")})`;
  const [result] = await connection.query<{ readonly rows: number; readonly sum: string }>(
    `select count(*)::float8 as rows, coalesce(sum(${hash}::numeric), 0)::text as sum
     from ${table.name} t ${others}`,
    without.length === 0 ? [] : columns.map(({ name }) => without.map((key) => key[name] ?? null)),
    { timeoutMs: limitMs },
  );
  return result ?? { rows: 0, sum: "0" };
}

async function requireFollowing(
  context: PostgresContext,
  { writer, follower }: Sites,
  signal: AbortSignal,
): Promise<void> {
  const state = await context.connections.withSession(follower, signal, (connection) =>
    readSubscription(connection, context.application),
  );
  if (state?.enabled === true && state.unready.length === 0) return;
  throw notFollowing(writer, follower);
}

/** Returns once the follower shows everything the snapshot shows. */
async function waitForFollower(
  context: PostgresContext,
  { writer, follower }: Sites,
  { lsn }: SnapshotSlot,
  signal: AbortSignal,
): Promise<void> {
  const name = slotName(context.application, follower);
  await context.connections.withSession(writer, signal, (connection) =>
    pollUntil(
      {
        clock: context.clock,
        everyMs: CATCH_UP_POLL_MS,
        limitMs: CATCH_UP_LIMIT_MS,
        what: `site ${follower} to apply the log of ${writer} up to ${lsn}`,
        signal,
      },
      async () => {
        const state = await readSlot(connection, name);
        if (state === null || isSlotLost(state)) throw notFollowing(writer, follower);
        const confirmed = state.confirmedLsn === null ? 0n : parseLsn(state.confirmedLsn);
        return confirmed >= parseLsn(lsn) ? true : null;
      },
    ),
  );
}

function notFollowing(writer: SiteId, follower: SiteId): CloudPhoenixError {
  return new CloudPhoenixError(
    "REPLICATION_BROKEN",
    `site ${follower} does not follow site ${writer}, or has no complete copy yet`,
    { retryable: false, hint: "Look at the replication status of the site." },
  );
}

function missing(site: SiteId, table: string): CloudPhoenixError {
  return new CloudPhoenixError("CONFLICT", `table ${table} is missing at site ${site}`, {
    retryable: false,
    hint: "Make the schemas equal, then try again.",
  });
}
