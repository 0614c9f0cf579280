/** Objects that `read-schema.ts` does not know how to make again. Better refused than forgotten. */
import { isApplicationSchema, isOutsideExtensions } from "./application-objects.ts";
import type { SiteConnection } from "./site-connections.ts";

export interface UnsupportedObject {
  /** In words: `partitioned table`, `materialized view`, … */
  readonly kind: string;
  readonly name: string;
}

/** All of them, in every schema of the application. */
export async function unsupportedObjects(
  connection: SiteConnection,
): Promise<readonly UnsupportedObject[]> {
  return connection.query<UnsupportedObject>(
    `select kind, name from (${QUERIES.join("\nunion all\n")}) as found(kind, name) order by 1, 2`,
  );
}

/** Condition over catalog `catalog` with alias `o` and its namespace `n`. */
function ours(catalog: string): string {
  return `${isApplicationSchema("n")} and ${isOutsideExtensions(catalog, "o.oid")}`;
}

/** Objects of one kind that live in a schema: name column prefix, namespace column. */
function inSchema(kind: string, catalog: string, prefix: string): string {
  return `select '${kind}', format('%I.%I', n.nspname, o.${prefix}name)
    from ${catalog} o join pg_namespace n on n.oid = o.${prefix}namespace where ${ours(catalog)}`;
}

/** Objects of one kind that live in the database itself. */
function inDatabase(kind: string, catalog: string, name: string): string {
  return `select '${kind}', format('%I', o.${name}) from ${catalog} o
    where ${isOutsideExtensions(catalog, "o.oid")}`;
}

const QUERIES: readonly string[] = [
  `select case when o.relkind = 'm' then 'materialized view' when o.relkind = 'f' then 'foreign table'
      when o.relkind = 'p' then 'partitioned table' when o.relispartition then 'partition'
      when o.reloftype <> 0 then 'typed table' when o.relrowsecurity then 'table with row security'
      when am.amname <> 'heap' then 'table with access method ' || am.amname
      else 'inheriting table' end,
    format('%I.%I', n.nspname, o.relname)
  from pg_class o join pg_namespace n on n.oid = o.relnamespace left join pg_am am on am.oid = o.relam
  where o.relpersistence <> 't' and ${ours("pg_class")}
    and (o.relkind in ('m', 'f', 'p') or (o.relkind = 'r' and (o.relispartition
      or o.reloftype <> 0 or o.relrowsecurity or am.amname <> 'heap'
      or exists (select from pg_inherits h where h.inhrelid = o.oid))))`,
  `select 'rule', format('%I on %I.%I', r.rulename, n.nspname, o.relname)
  from pg_rewrite r join pg_class o on o.oid = r.ev_class
    join pg_namespace n on n.oid = o.relnamespace
  where r.rulename <> '_RETURN' and ${ours("pg_class")}`,
  `select case when o.prokind = 'a' then 'aggregate' else 'function in language ' || l.lanname end,
    format('%I.%I', n.nspname, o.proname)
  from pg_proc o join pg_namespace n on n.oid = o.pronamespace
    join pg_language l on l.oid = o.prolang
  where (o.prokind = 'a' or not (l.lanpltrusted or l.lanname = 'sql')) and ${ours("pg_proc")}
    and not exists (select from pg_type t join pg_range g on g.rngtypid = t.oid
      where o.proname in (t.typname, (select m.typname from pg_type m where m.oid = g.rngmultitypid)))`,
  `select case o.typtype when 'r' then 'range type' else 'base type' end,
    format('%I.%I', n.nspname, o.typname)
  from pg_type o join pg_namespace n on n.oid = o.typnamespace
  where (o.typtype = 'r' or (o.typtype = 'b' and o.typcategory <> 'A')) and ${ours("pg_type")}`,
  inSchema("operator", "pg_operator", "opr"),
  inSchema("operator class", "pg_opclass", "opc"),
  inSchema("collation", "pg_collation", "coll"),
  inSchema("conversion", "pg_conversion", "con"),
  inSchema("text search configuration", "pg_ts_config", "cfg"),
  inSchema("text search dictionary", "pg_ts_dict", "dict"),
  inDatabase("event trigger", "pg_event_trigger", "evtname"),
  inDatabase("foreign server", "pg_foreign_server", "srvname"),
];
