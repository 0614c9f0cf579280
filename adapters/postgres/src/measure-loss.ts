/**
 * Reads from a returned old primary exactly which transactions the standby never got.
 *
 * Its slot still keeps them. A temporary copy of the slot, with a plugin that prints text, is read
 * and thrown away; the original stays where it is. Rows come through a cursor: the tail may be
 * far larger than our memory.
 */
import { CloudPhoenixError, type LossReport, type SiteId } from "@cloudphoenix/core";
import { type DecodedRow, LostTransactions } from "./lost-transactions.ts";
import { parseLsn } from "./lsn.ts";
import { slotName } from "./object-names.ts";
import type { PostgresContext } from "./postgres-context.ts";
import type { SiteConnection } from "./site-connections.ts";
import { readSiteRow } from "./site-row.ts";
import { isSlotLost, readSlot } from "./slot.ts";

/** Rows per round trip; a row is a few hundred bytes. */
const FETCH_ROWS = 1_000;

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
  return context.connections.withSession(from, signal, async (connection) => {
    if ((await readSiteRow(connection))?.writesOpen !== false) {
      throw new CloudPhoenixError("CONFLICT", `site ${from} still takes writes`, {
        retryable: false,
        hint: "Fence the site first: what it accepts now would count as lost.",
      });
    }
    const slot = await keptSlot(context, connection);
    const lost = new LostTransactions(parseLsn(applied), await readPrimaryKeys(connection));
    const copy = await copySlot(connection, slot);
    try {
      await readAll(connection, copy, context.limits.lossReadMs, (row) => lost.add(row));
    } finally {
      // A temporary slot would live as long as its pooled session and keep log all the while.
      if (connection.usable) {
        await connection.query("select pg_drop_replication_slot($1)", [copy]);
      }
    }
    return lost.report();
  });
}

/** The slot a former standby read from. */
async function keptSlot(context: PostgresContext, connection: SiteConnection): Promise<string> {
  const followers = context.sites.filter((site) => site !== connection.site);
  for (const follower of followers) {
    const slot = slotName(context.application, follower);
    const state = await readSlot(connection, slot);
    if (state !== null && !isSlotLost(state)) return slot;
  }
  throw new CloudPhoenixError(
    "REPLICATION_BROKEN",
    `site ${connection.site} no longer keeps the log that its standby had not read`,
    {
      retryable: false,
      hint: "Compare the tables of both sites by hand before copying over them.",
    },
  );
}

async function copySlot(connection: SiteConnection, slot: string): Promise<string> {
  const { pid } = await connection.one<{ readonly pid: number }>("select pg_backend_pid() as pid");
  const copy = `cloudphoenix_loss_${pid}`;
  await connection.query(
    "select pg_copy_logical_replication_slot($1::name, $2::name, true, 'test_decoding')",
    [slot, copy],
  );
  return copy;
}

async function readAll(
  connection: SiteConnection,
  slot: string,
  limitMs: number,
  add: (row: DecodedRow) => void,
): Promise<void> {
  const slow = { timeoutMs: limitMs };
  await connection.transaction(async () => {
    // `only-local` leaves out what this site itself received from another.
    await connection.query(
      `declare decoded no scroll cursor for
       select lsn::text, data from pg_logical_slot_peek_changes('${slot}', null, null,
         'include-xids', '1', 'include-timestamp', '1', 'skip-empty-xacts', '1', 'only-local', '1')`,
      [],
      slow,
    );
    for (;;) {
      const rows = await connection.query<DecodedRow>(`fetch ${FETCH_ROWS} from decoded`, [], slow);
      for (const row of rows) add(row);
      if (rows.length < FETCH_ROWS) return;
    }
  }, `begin; set local statement_timeout = ${limitMs}`);
}

async function readPrimaryKeys(
  connection: SiteConnection,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await connection.query<{
    readonly name: string;
    readonly columns: readonly string[];
  }>(
    `select format('%I.%I', n.nspname, c.relname) as name,
       array_agg(a.attname::text order by k.position) as columns
     from pg_index x join pg_class c on c.oid = x.indrelid
       join pg_namespace n on n.oid = c.relnamespace
       cross join lateral unnest(x.indkey::int2[]) with ordinality as k(attnum, position)
       join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
     where x.indisprimary and k.position <= x.indnkeyatts group by n.nspname, c.relname`,
  );
  return new Map(rows.map((row) => [row.name, row.columns]));
}
