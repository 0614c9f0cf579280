/**
 * The keys of objects that rows of the application point to, in the order object stores list them.
 *
 * 1. Constant memory: a page at a time, each from where the last one ended.
 * 2. A key is told once, however many rows point to it.
 */
import type { SiteId } from "@cloudphoenix/core";
import { escapeIdentifier } from "pg";
import type { PostgresContext } from "./postgres-context.ts";

/** Where keys stand. Names come from validated configuration; they are quoted all the same. */
export interface KeyColumn {
  /** `schema.table` */
  readonly table: string;
  readonly key: string;
  /** Rows in which this is null point to nothing yet. */
  readonly storedAt: string;
}

const PAGE_KEYS = 5_000;

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
  const text = pageStatement(column);
  for (let after: string | null = null; ; ) {
    const rows: readonly { readonly key: string }[] = await connections.withSession(
      site,
      signal,
      (connection) => connection.query<{ readonly key: string }>(text, [after, PAGE_KEYS]),
    );
    const keys = rows.map(({ key }) => key);
    if (keys.length > 0) yield keys;
    if (keys.length < PAGE_KEYS) return;
    after = keys.at(-1) ?? null;
  }
}

function pageStatement({ table, key, storedAt }: KeyColumn): string {
  const from = table
    .split(".")
    .map((name) => escapeIdentifier(name))
    .join(".");
  const value = `${escapeIdentifier(key)}::text collate "C"`;
  return `select distinct ${value} as key from ${from}
    where ${escapeIdentifier(storedAt)} is not null and ${escapeIdentifier(key)} is not null
      and ($1::text is null or ${value} > $1)
    order by 1 limit $2`;
}
