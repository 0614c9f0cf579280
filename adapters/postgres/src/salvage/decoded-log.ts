/**
 * Reading the log that a slot keeps, as text, without moving the slot.
 *
 * A temporary copy of the slot, with a plugin that prints text, is read and thrown away. Rows come
 * through a cursor: the log may be far larger than our memory.
 */
import { CloudPhoenixError, type SiteId } from "@cloudphoenix/core";
import { escapeLiteral } from "pg";
import { slotName } from "../object-names.ts";
import type { PostgresContext } from "../postgres-context.ts";
import type { SiteConnection } from "../site-connections.ts";
import { readSiteRow } from "../site-row.ts";
import { isSlotLost, readSlot } from "../slot.ts";
import { readGate } from "../write-gate.ts";
import { PRINTED_MARK } from "./repair-mark.ts";

/** Rows per round trip; a row is a few hundred bytes. */
const FETCH_ROWS = 1_000;

/** What an operator can do once log is gone. */
const RESEED =
  "Copy the whole site anew: drop its tables and schema cloudphoenix there, then: cloudphoenix replicate setup.";

/**
 * Lends a text copy of `slot` to `work` by name.
 * @param connection - used for nothing else meanwhile
 */
export async function withDecodedSlot<T>(
  connection: SiteConnection,
  slot: string,
  work: (copy: string) => Promise<T>,
): Promise<T> {
  const { pid } = await connection.one<{ readonly pid: number }>("select pg_backend_pid() as pid");
  const copy = `cloudphoenix_decoded_${pid}`;
  await connection.query(
    "select pg_copy_logical_replication_slot($1::name, $2::name, true, 'test_decoding')",
    [slot, copy],
  );
  try {
    return await work(copy);
  } finally {
    // A temporary slot would live as long as its pooled session and keep log all the while. After an
    // error the server has dropped it already.
    if (connection.usable) {
      await connection.query(
        "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1",
        [copy],
      );
    }
  }
}

/**
 * Set of rows `lsn, xid, data` that a text slot holds, oldest commit first.
 * @param consume - whether the next reading starts behind this one; only copies are ever consumed
 */
export function changesOf(slot: string, consume = false): string {
  // `only-local` leaves out what this site itself received from another.
  return `pg_logical_slot_${consume ? "get" : "peek"}_changes('${slot}', null, null,
    'include-xids', '1', 'include-timestamp', '1', 'skip-empty-xacts', '1', 'only-local', '1')`;
}

/**
 * Question for `xid, data, commit`: changed rows of transactions whose commit lies strictly behind
 * `after`, in commit order. `commit` is the line that ends the transaction.
 *
 * The server finds out which they are: a commit comes after its changes, and only the server can
 * hold a transaction of any size. Windows, because it sorts whatever does not fit in memory; it has
 * no idea how many rows a slot holds and would join them pair by pair.
 * @param repairs - whether our own repairs count
 */
export function changesBehind(slot: string, after: string, repairs: boolean): string {
  return `select xid, data, commit from (
      select xid, data, n, max(ended) over same as ended, max(commit) over same as commit,
        bool_or(mark) over same as repair
      from (select xid::text as xid, data, n,
          case when data like 'COMMIT %' then lsn end as ended,
          case when data like 'COMMIT %' then data end as commit,
          data like ${escapeLiteral(`${PRINTED_MARK}%`)} as mark
        from ${changesOf(slot)} with ordinality as d(lsn, xid, data, n)) c
      window same as (partition by xid)) t
    where ended > ${escapeLiteral(after)}::pg_lsn and data like 'table %' and (${repairs} or not repair)
    order by n`;
}

/**
 * Makes everything readable that has been committed. A session with `synchronous_commit = off` lets
 * go of its rows before its commit is in the part of the log that slots show; a commit of ours that
 * waits takes everything before it along.
 * @param connection - not in a transaction
 */
export async function flushLog(connection: SiteConnection): Promise<void> {
  await connection.query("select pg_logical_emit_message(true, 'cloudphoenix-flush', '')");
}

/** Hands the rows of `query` to `take` in portions, in order. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as with `query`, who asks knows what comes back
export async function readInPortions<Row extends object>(
  connection: SiteConnection,
  { query, limitMs }: { readonly query: string; readonly limitMs: number },
  take: (rows: readonly Row[]) => Promise<void> | void,
): Promise<void> {
  const slow = { timeoutMs: limitMs };
  await connection.transaction(async () => {
    await connection.query(`declare portions no scroll cursor for ${query}`, [], slow);
    for (;;) {
      const rows = await connection.query<Row>(`fetch ${FETCH_ROWS} from portions`, [], slow);
      if (rows.length > 0) await take(rows);
      if (rows.length < FETCH_ROWS) return;
    }
  }, `begin; set local statement_timeout = ${limitMs}`);
}

/**
 * The slot a former standby of this site read from.
 * @throws {CloudPhoenixError} `CONFLICT` if writes are open; `REPLICATION_BROKEN` if the log is gone
 */
export async function keptSlot(
  context: PostgresContext,
  connection: SiteConnection,
): Promise<string> {
  const row = await readSiteRow(connection);
  const gate = await readGate(connection);
  if (row?.writesOpen !== false || gate.open.length > 0) {
    throw new CloudPhoenixError("CONFLICT", `site ${connection.site} still takes writes`, {
      retryable: false,
      hint: "Fence the site first: what it accepts now would count as lost.",
    });
  }
  for (const follower of context.sites.filter((site) => site !== connection.site)) {
    const slot = slotName(context.application, follower);
    if (await isReadable(connection, slot)) return slot;
  }
  throw logGone(connection.site, "its standby had not read");
}

/** Refuses a slot that does not keep its log any more. */
export async function requireSlot(
  connection: SiteConnection,
  slot: string,
  reader: SiteId,
): Promise<void> {
  if (!(await isReadable(connection, slot))) {
    throw logGone(connection.site, `site ${reader} has not read`);
  }
}

async function isReadable(connection: SiteConnection, slot: string): Promise<boolean> {
  const state = await readSlot(connection, slot);
  return state !== null && !isSlotLost(state);
}

function logGone(site: SiteId, whose: string): CloudPhoenixError {
  return new CloudPhoenixError(
    "REPLICATION_BROKEN",
    `site ${site} no longer keeps the log that ${whose}`,
    { retryable: false, hint: RESEED },
  );
}
