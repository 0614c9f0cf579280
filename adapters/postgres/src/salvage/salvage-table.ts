/** The tables a repair or a comparison deals with, and how their rows are found. */
import type { RowValues } from "@cloudphoenix/engine";
import { escapeIdentifier } from "pg";
import { FROM_APPLICATION_TABLES } from "../application-objects.ts";
import { REPLICATED_TABLES } from "../cloudphoenix-schema.ts";
import type { SiteConnection } from "../site-connections.ts";

export interface SalvageColumn {
  /** Not quoted. */
  readonly name: string;
  /** Qualified where needed, for casts from text. */
  readonly type: string;
  /** Computed by the server from other columns; cannot be written. */
  readonly generated: boolean;
  /** Computed whenever it is read: nothing is stored, and the log prints null for it. */
  readonly virtual: boolean;
  /** An identity that is always drawn: an update can draw it anew, but nobody can set it. */
  readonly drawn: boolean;
}

export interface SalvageTable {
  /** Qualified and quoted. */
  readonly name: string;
  /** Ours, not the application's. */
  readonly own: boolean;
  readonly columns: readonly SalvageColumn[];
  /**
   * Columns by which the log names changed rows and by which they can be found; null if there are
   * none, and rows can be told apart only by all they hold.
   */
  readonly key: readonly string[] | null;
  /**
   * The operator by which the key's index compares each of them, qualified (`=` of PostgreSQL itself
   * where that is no B-tree, but keeps periods apart); null if there is no key.
   */
  readonly equals: readonly string[] | null;
  /** Whether the log holds rows as they were before a change, all of them. */
  readonly logsWholeRows: boolean;
}

/** Every replicated table by name. */
export async function readSalvageTables(
  connection: SiteConnection,
): Promise<ReadonlyMap<string, SalvageTable>> {
  const tables = await connection.query<SalvageTable>(TABLES, [REPLICATED_TABLES]);
  return new Map(tables.map((table) => [table.name, table]));
}

/** Those key columns of `table` with their types; empty if it has no key. */
export function keyColumns(table: SalvageTable): readonly SalvageColumn[] {
  return (table.key ?? []).map((name) => columnOf(table, name));
}

/** Columns that can be written. */
export function writableColumns(table: SalvageTable): readonly SalvageColumn[] {
  return table.columns.filter((column) => !column.generated);
}

export function columnOf(table: SalvageTable, name: string): SalvageColumn {
  const column = table.columns.find((one) => one.name === name);
  if (column === undefined) throw new Error(`table ${table.name} has no column ${name}`);
  return column;
}

/** `"a", "b"`, each after `prefix`. */
export function nameList(columns: readonly SalvageColumn[], prefix = ""): string {
  return columns.map((column) => prefix + escapeIdentifier(column.name)).join(", ");
}

/**
 * Rows of typed columns from arrays of text, one array per column and parameter, counted from
 * `$1`. Text in, text out is how PostgreSQL itself copies values without loss.
 */
export function typedRows(columns: readonly SalvageColumn[], alias: string): string {
  const parameters = columns.map((_, at) => `$${at + 1}::text[]`).join(", ");
  const raw = columns.map((_, at) => `c${at}`).join(", ");
  const typed = columns.map(
    (column, at) => `r.c${at}::${column.type} as ${escapeIdentifier(column.name)}`,
  );
  return `(select ${typed.join(", ")} from unnest(${parameters}) as r(${raw})) as ${alias}`;
}

/** `t."a" = k."a" and …`, as the key's index compares, which for an extension's type is not what `=` finds. */
export function sameKey(table: SalvageTable, left: string, right: string): string {
  return (table.key ?? [])
    .map((name, at) => {
      const column = escapeIdentifier(name);
      return `${left}.${column} ${equalsAt(table, at)} ${right}.${column}`;
    })
    .join(" and ");
}

/** Condition for the row with `key`, and its values. */
export function byKey(
  table: SalvageTable,
  key: RowValues,
  alias = "t",
): { readonly where: string; readonly values: readonly (string | null)[] } {
  const names = table.key ?? [];
  const where = names.map(
    (name, at) => `${alias}.${escapeIdentifier(name)} ${equalsAt(table, at)} $${at + 1}`,
  );
  return { where: where.join(" and "), values: names.map((name) => key[name] ?? null) };
}

function equalsAt(table: SalvageTable, at: number): string {
  return `operator(${table.equals?.[at] ?? "pg_catalog.="})`;
}

/**
 * With replica identity `full` the log names all columns, so the primary key among them serves;
 * with an index, exactly its columns are named.
 */
const TABLES = `select format('%I.%I', n.nspname, c.relname) as name,
    n.nspname = 'cloudphoenix' as own, c.relreplident = 'f' as "logsWholeRows",
    (select jsonb_agg(jsonb_build_object('name', a.attname,
        'type', format_type(a.atttypid, a.atttypmod), 'generated', a.attgenerated <> '',
        'virtual', a.attgenerated = 'v',
        'drawn', a.attidentity = 'a')
        order by a.attname collate "C")
      from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)
      as columns, known.key, known.equals
  from (select c.* ${FROM_APPLICATION_TABLES} and c.relkind = 'r' and c.relpersistence = 'p'
    union all select c.* from pg_class c where c.oid in
      (select to_regclass(o.name) from unnest($1::text[]) as o(name))) c
    join pg_namespace n on n.oid = c.relnamespace
    cross join lateral (select jsonb_agg(a.attname order by k.position) as key,
        jsonb_agg(case when p.oid is null then 'pg_catalog.='
          else format('%I.%s', pn.nspname, p.oprname) end order by k.position) as equals
      from pg_index x cross join lateral unnest(x.indkey::int2[]) with ordinality
          as k(attnum, position)
        join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
        join pg_opclass s on s.oid = x.indclass[k.position::int - 1]
        join pg_am am on am.oid = s.opcmethod
        left join pg_amop m on m.amopfamily = s.opcfamily and m.amoplefttype = s.opcintype
          and m.amoprighttype = s.opcintype and m.amopstrategy = 3 and am.amname = 'btree'
        left join pg_operator p on p.oid = m.amopopr
        left join pg_namespace pn on pn.oid = p.oprnamespace
      where x.indrelid = c.oid and x.indisvalid and k.position <= x.indnkeyatts
        and case c.relreplident when 'i' then x.indisreplident when 'n' then false
          else x.indisprimary end) known
  order by 1`;
