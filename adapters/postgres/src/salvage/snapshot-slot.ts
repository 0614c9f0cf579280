/**
 * A position in a server's log and a snapshot of its data that belong together exactly: the
 * snapshot shows every transaction that committed before the position and no other.
 *
 * Only the replication protocol gives out such a pair; a position read beside a snapshot may be
 * off by the transactions that are committing at that instant.
 */
import { CloudPhoenixError, type SiteId } from "@cloudphoenix/core";
import { Client } from "pg";
import { clientConfig } from "../client-config.ts";
import { databaseError } from "../database-error.ts";
import { SESSION_NAME } from "../object-names.ts";
import type { PostgresContext } from "../postgres-context.ts";
import { placeOf, PRINT_SETTINGS, type SiteConnection } from "../site-connections.ts";

export interface SnapshotSlot {
  /** The position, as `X/Y`. */
  readonly lsn: string;
  /** Name under which transactions can take the snapshot over until `changesSince` is called. */
  readonly snapshot: string;
  /** Hands over a line of the decoded log for every row that was changed since, oldest commit first. */
  changesSince(take: (data: string) => void): Promise<void>;
}

const FETCH_ROWS = 1_000;

/**
 * Lends a position with its snapshot at `site` to `work`. Making it waits for transactions that are
 * writing to end; nothing is left behind.
 */
export async function withSnapshotSlot<T>(
  context: PostgresContext,
  site: SiteId,
  signal: AbortSignal,
  work: (slot: SnapshotSlot) => Promise<T>,
): Promise<T> {
  const { adminUrl, adminPassword } = context.connections.siteOf(site);
  const place = placeOf(context.connections.siteOf(site));
  const config = {
    ...clientConfig(adminUrl, `site ${site}`),
    password: adminPassword,
    application_name: SESSION_NAME,
    connectionTimeoutMillis: context.limits.connectMs,
    query_timeout: context.limits.lossReadMs,
    keepAlive: true,
    // Makes the server speak the replication protocol; the driver's types do not know it.
    replication: "database",
    options: PRINT_SETTINGS,
  };
  const client = new Client(config);
  client.on("error", () => undefined);
  const onAbort = (): void => void client.end().catch(() => undefined);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await client.connect();
    return await work(await makeSlot(client, place));
  } catch (error) {
    throw signal.aborted ? abandoned(place, error) : databaseError(error, place);
  } finally {
    signal.removeEventListener("abort", onAbort);
    // The slot is temporary: it ends with the session.
    await client.end().catch(() => undefined);
  }
}

/** Takes the snapshot over in a transaction of `connection` and runs `work` in it. */
export function inSnapshot<T>(
  connection: SiteConnection,
  { slot, limitMs }: { readonly slot: SnapshotSlot; readonly limitMs: number },
  work: () => Promise<T>,
): Promise<T> {
  return connection.transaction(async () => {
    await connection.query(`set transaction snapshot '${slot.snapshot}'`);
    return work();
  }, beginReading(limitMs));
}

/**
 * Starts a transaction that sees one state of the data throughout. It may idle while the other
 * site is being read, as long as a single statement may take.
 */
export function beginReading(limitMs: number): string {
  return `begin isolation level repeatable read read only; set local statement_timeout = ${limitMs};
    set local idle_in_transaction_session_timeout = ${limitMs}`;
}

/** Slots are named for the whole server; the process's number makes the name nobody else's. */
async function makeSlot(client: Client, place: string): Promise<SnapshotSlot> {
  const session = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  const name = `cloudphoenix_snapshot_${session.rows[0]?.pid ?? 0}`;
  const { rows } = await client.query<{ consistent_point: string; snapshot_name: string }>(
    `CREATE_REPLICATION_SLOT ${name} TEMPORARY LOGICAL test_decoding (SNAPSHOT 'export')`,
  );
  const [made] = rows;
  if (made === undefined) throw new Error(`${place}: no slot came back`);
  return {
    lsn: made.consistent_point,
    snapshot: made.snapshot_name,
    changesSince: (take) => readChanges(client, name, take),
  };
}

/** Through a cursor, because a single bulk load may have filled the log. */
async function readChanges(
  client: Client,
  slot: string,
  take: (data: string) => void,
): Promise<void> {
  await client.query(
    `begin; declare changes no scroll cursor for
     select data from pg_logical_slot_peek_changes('${slot}', null, null, 'include-xids', '0')
     where data like 'table %'`,
  );
  for (;;) {
    const { rows } = await client.query<{ data: string }>(`fetch ${FETCH_ROWS} from changes`);
    for (const { data } of rows) take(data);
    if (rows.length < FETCH_ROWS) break;
  }
  await client.query("commit");
}

function abandoned(place: string, cause: unknown): CloudPhoenixError {
  return new CloudPhoenixError("ABORTED", `${place}: given up before it answered`, {
    retryable: true,
    cause,
  });
}
