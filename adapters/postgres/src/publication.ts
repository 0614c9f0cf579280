/** What the active site publishes: every application table, and our own replicated ones. */
import { escapeIdentifier } from "pg";
import { FROM_APPLICATION_TABLES } from "./application-objects.ts";
import { REPLICATED_TABLES } from "./cloudphoenix-schema.ts";
import { PUBLICATION } from "./object-names.ts";
import type { SiteConnection } from "./site-connections.ts";

/**
 * Makes the publication, or adds tables that came later. Idempotent; blocks no writer.
 * Tables are named one by one: `for all tables` would need superuser.
 * @returns whether tables were added to a publication that existed
 */
export async function ensurePublication(connection: SiteConnection): Promise<boolean> {
  const { exists } = await connection.one<{ readonly exists: boolean }>(
    "select exists (select from pg_publication where pubname = $1) as exists",
    [PUBLICATION],
  );
  const name = escapeIdentifier(PUBLICATION);
  const missing = await unpublishedTables(connection);
  const tables = missing.join(", ");
  if (!exists) await connection.query(`create publication ${name} for table ${tables}`);
  else if (missing.length > 0)
    await connection.query(`alter publication ${name} add table ${tables}`);
  return exists && missing.length > 0;
}

async function unpublishedTables(connection: SiteConnection): Promise<readonly string[]> {
  const rows = await connection.query<{ readonly name: string }>(
    `select t.name from (
       select n.nspname, c.relname, format('%I.%I', n.nspname, c.relname) as name
       ${FROM_APPLICATION_TABLES} and c.relkind = 'r'
       union all
       select split_part(o.name, '.', 1), split_part(o.name, '.', 2), o.name
       from unnest($2::text[]) as o(name)) t
     where not exists (select from pg_publication_tables p where p.pubname = $1
       and p.schemaname = t.nspname and p.tablename = t.relname)
     order by t.name`,
    [PUBLICATION, REPLICATED_TABLES],
  );
  return rows.map((row) => row.name);
}
