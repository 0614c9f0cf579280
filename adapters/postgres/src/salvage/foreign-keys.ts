/**
 * Foreign keys checked by hand, for rows that were changed without firing triggers (which is how
 * PostgreSQL checks them itself). Parents are locked as PostgreSQL would, so that nobody can take
 * them away before the transaction ends.
 */
import { escapeIdentifier } from "pg";
import type { RowValues } from "@cloudphoenix/engine";
import type { SiteConnection } from "../site-connections.ts";
import { byKey, type SalvageTable } from "./salvage-table.ts";

interface ForeignKey {
  readonly child: string;
  readonly childColumns: readonly string[];
  readonly parent: string;
  readonly parentColumns: readonly string[];
  /** Qualified operators between parent and child, and between children. */
  readonly equals: readonly string[];
  readonly childEquals: readonly string[];
  /** Whether the last column is a period, to be covered by those of all parents together. */
  readonly period: boolean;
}

/** What a row that is about to change or go was referred to by. */
export interface Referred {
  readonly foreignKey: ForeignKey;
  readonly values: readonly (string | null)[];
}

export class ForeignKeys {
  readonly #connection: SiteConnection;
  readonly #all: readonly ForeignKey[];

  private constructor(connection: SiteConnection, all: readonly ForeignKey[]) {
    this.#connection = connection;
    this.#all = all;
  }

  static async read(connection: SiteConnection): Promise<ForeignKeys> {
    return new ForeignKeys(connection, await connection.query<ForeignKey>(FOREIGN_KEYS));
  }

  /** Call before a row is updated or deleted; check the result once the transaction is complete. */
  async referred(table: SalvageTable, key: RowValues): Promise<readonly Referred[]> {
    const found: Referred[] = [];
    for (const foreignKey of this.#all.filter((one) => one.parent === table.name)) {
      const columns = foreignKey.parentColumns.map((name) => `t.${escapeIdentifier(name)}::text`);
      const { where, values } = byKey(table, key);
      const [row] = await this.#connection.query<{ readonly values: readonly (string | null)[] }>(
        `select array[${columns.join(", ")}] as values from ${table.name} t where ${where}`,
        values,
      );
      if (row !== undefined) found.push({ foreignKey, values: row.values });
    }
    return found;
  }

  /** Whether rows refer to values that no row has any more. */
  async leavesOrphans({ foreignKey, values }: Referred): Promise<boolean> {
    const { child, childColumns, childEquals, period } = foreignKey;
    const named = childColumns
      .slice(0, compared(foreignKey))
      .map(
        (name, at) =>
          `c.${escapeIdentifier(name)} operator(${childEquals[at] ?? "pg_catalog.="}) $${at + 1}`,
      );
    // As with every other column of a reference, a row without a period refers to nothing.
    const refers = period ? `and c.${escapeIdentifier(childColumns.at(-1) ?? "")} is not null` : "";
    const rows = await this.#connection.query(
      `select from ${child} c where ${named.join(" and ")} ${refers}
         and not ${hasParents(foreignKey)} limit 1`,
      values.slice(0, named.length),
    );
    return rows.length > 0;
  }

  /** Whether the row refers to one that does not exist. */
  async isOrphan(table: SalvageTable, key: RowValues): Promise<boolean> {
    for (const foreignKey of this.#all.filter((one) => one.child === table.name)) {
      const { where, values } = byKey(table, key, "c");
      const refers = foreignKey.childColumns.map(
        (name) => `c.${escapeIdentifier(name)} is not null`,
      );
      const referring = await this.#connection.query(
        `select from ${table.name} c where ${where} and ${refers.join(" and ")}`,
        values,
      );
      if (referring.length === 0) continue;
      const parents = await this.#connection.query(
        `select from ${foreignKey.parent} p where exists
           (select from ${table.name} c where ${where} and ${joined(foreignKey)}) for key share of p`,
        values,
      );
      if (parents.length === 0) return true;
      if (!foreignKey.period) continue;
      const uncovered = await this.#connection.query(
        `select from ${table.name} c where ${where} and not ${hasParents(foreignKey)}`,
        values,
      );
      if (uncovered.length > 0) return true;
    }
    return false;
  }
}

/** How many columns must be equal in parent and child. */
function compared({ childColumns, period }: ForeignKey): number {
  return period ? childColumns.length - 1 : childColumns.length;
}

/** Condition for a parent `p` of child `c`; if there is a period, for one that may cover part of it. */
function joined(foreignKey: ForeignKey): string {
  const { childColumns, parentColumns, equals } = foreignKey;
  return childColumns
    .slice(0, compared(foreignKey))
    .map((name, at) => {
      const parent = escapeIdentifier(parentColumns[at] ?? name);
      return `p.${parent} operator(${equals[at] ?? "pg_catalog.="}) c.${escapeIdentifier(name)}`;
    })
    .join(" and ");
}

/** Condition for a child `c`. */
function hasParents(foreignKey: ForeignKey): string {
  const { childColumns, parent, parentColumns, period } = foreignKey;
  const parents = `from ${parent} p where ${joined(foreignKey)}`;
  if (!period) return `exists (select ${parents})`;
  const [during, covered] = [childColumns.at(-1) ?? "", parentColumns.at(-1) ?? ""];
  return `coalesce(c.${escapeIdentifier(during)}
    <@ (select range_agg(p.${escapeIdentifier(covered)}) ${parents}), false)`;
}

/** Array of operators by name, because `=` alone does not find those of extensions. */
function operators(oids: string): string {
  return `(select jsonb_agg(format('%I.%s', n.nspname, o.oprname) order by u.n)
      from unnest(${oids}) with ordinality as u(oid, n) join pg_operator o on o.oid = u.oid
        join pg_namespace n on n.oid = o.oprnamespace)`;
}

/** Periods and keys that are not enforced came with PostgreSQL 18. */
const FOREIGN_KEYS = `
  select format('%I.%I', cn.nspname, c.relname) as child,
    format('%I.%I', pn.nspname, p.relname) as parent,
    (select jsonb_agg(a.attname order by u.n) from unnest(k.conkey) with ordinality as u(att, n)
      join pg_attribute a on a.attrelid = c.oid and a.attnum = u.att) as "childColumns",
    (select jsonb_agg(a.attname order by u.n) from unnest(k.confkey) with ordinality as u(att, n)
      join pg_attribute a on a.attrelid = p.oid and a.attnum = u.att) as "parentColumns",
    ${operators("k.conpfeqop")} as equals, ${operators("k.conffeqop")} as "childEquals",
    coalesce((to_jsonb(k) ->> 'conperiod')::bool, false) as period
  from pg_constraint k join pg_class c on c.oid = k.conrelid
    join pg_namespace cn on cn.oid = c.relnamespace
    join pg_class p on p.oid = k.confrelid join pg_namespace pn on pn.oid = p.relnamespace
  where k.contype = 'f' and coalesce((to_jsonb(k) ->> 'conenforced')::bool, true) order by 1, 2`;
