/**
 * The keys of objects that rows of the application point to, in the order object stores list them.
 *
 * 1. Constant memory: a page at a time, from one cursor; the server sorts once, and needs no index.
 * 2. A key is told once, however many rows point to it.
 * 3. All of it is one moment of the table. The session is given back when the reader stops.
 */
import type { SiteId } from "@cloudphoenix/core";
import { escapeIdentifier } from "pg";
import type { PostgresContext } from "./postgres-context.ts";
import type { SiteConnection } from "./site-connections.ts";

/** Where keys stand. Names come from validated configuration; they are quoted all the same. */
export interface KeyColumn {
  /** `schema.table` */
  readonly table: string;
  readonly key: string;
  /** Rows in which this is null point to nothing yet. */
  readonly storedAt: string;
}

const PAGE_KEYS = 5_000;

/** The first page comes after the server has sorted everything; no page may take longer. */
const PAGE_LIMIT_MS = 60_000;

/**
 * Pages of keys at `site`, ascending by their bytes (`collate "C"`).
 * @throws {CloudPhoenixError} as `SiteConnections.withSession`
 */
export async function* referencedKeys(
  { connections }: Pick<PostgresContext, "connections">,
  site: SiteId,
  column: KeyColumn,
  signal: AbortSignal,
): AsyncGenerator<readonly string[]> {
  const stopped = new AbortController();
  // Hands over one page at a time: the next is read when the last one was taken.
  const { readable, writable } = new TransformStream<readonly string[], readonly string[]>();
  const writer = writable.getWriter();
  const reading = connections.withSession(
    site,
    AbortSignal.any([signal, stopped.signal]),
    async (connection) => {
      await connection.transaction(async () => {
        await connection.query(`declare referenced cursor for ${statementOf(column)}`);
        await handOver(connection, writer);
      }, `begin read only; set local statement_timeout = ${PAGE_LIMIT_MS}`);
    },
  );
  const ended = reading.then(
    () => writer.close(),
    (error: unknown) => writer.abort(error),
  );
  ended.catch(() => undefined);
  try {
    yield* readable;
  } finally {
    stopped.abort();
    await reading.catch(() => undefined);
  }
}

async function handOver(
  connection: SiteConnection,
  writer: WritableStreamDefaultWriter<readonly string[]>,
): Promise<void> {
  for (;;) {
    const rows = await connection.query<{ readonly key: string }>(
      `fetch ${PAGE_KEYS} from referenced`,
      [],
      { timeoutMs: PAGE_LIMIT_MS },
    );
    if (rows.length > 0) await writer.write(rows.map(({ key }) => key));
    if (rows.length < PAGE_KEYS) return;
  }
}

function statementOf({ table, key, storedAt }: KeyColumn): string {
  const from = table
    .split(".")
    .map((name) => escapeIdentifier(name))
    .join(".");
  return `select distinct ${escapeIdentifier(key)}::text collate "C" as key from ${from}
    where ${escapeIdentifier(storedAt)} is not null and ${escapeIdentifier(key)} is not null
    order by 1`;
}
