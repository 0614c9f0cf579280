/** SQL fragments that say which objects are the application's: not the system's, not an extension's, not ours. */
import { SCHEMA } from "./object-names.ts";

/** Condition over an alias of `pg_namespace`. */
export function isApplicationSchema(namespace: string): string {
  return `(${namespace}.nspname <> all (array['pg_catalog', 'information_schema', '${SCHEMA}'])
    and ${namespace}.nspname !~ '^pg_(toast|temp)')`;
}

/** Condition: the object with this `oid` in `catalog` was not created by an extension. */
export function isOutsideExtensions(catalog: string, oid: string): string {
  return `not exists (select from pg_depend e
    where e.classid = '${catalog}'::regclass and e.objid = ${oid} and e.deptype = 'e')`;
}

/** From clause: every permanent table of the application as `c` in schema `n`. */
export const FROM_APPLICATION_TABLES: string = `
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and c.relpersistence <> 't' and ${isApplicationSchema("n")}
    and ${isOutsideExtensions("pg_class", "c.oid")}`;
