/**
 * The tables that lost transactions changed, and whether the site that took over still has them as
 * they were: a change of the schema at either site does not travel to the other.
 */
import { CloudPhoenixError, type SiteId } from "@cloudphoenix/core";
import type { DivergentRow } from "@cloudphoenix/engine";
import type { SalvageColumn, SalvageTable } from "./salvage-table.ts";

/** The tables of one site, by name. */
export interface SiteTables {
  readonly site: SiteId;
  readonly tables: ReadonlyMap<string, SalvageTable>;
}

export class LostTables {
  /** Columns that changes name, by table. */
  readonly #named = new Map<string, Set<string>>();
  readonly #written = new Set<string>();

  note({ table, operation, key, row }: DivergentRow): void {
    // A truncation is never applied, so nothing has to fit.
    if (operation === "truncate") return;
    if (row !== null) this.#written.add(table);
    const named = this.#named.get(table) ?? new Set();
    for (const name of Object.keys(row ?? key ?? {})) named.add(name);
    this.#named.set(table, named);
  }

  /** Tables that rows were added to, or changed in. */
  written(): ReadonlySet<string> {
    return this.#written;
  }

  /**
   * Tables that neither site has, or that are not the application's, are no reason to refuse: what
   * was changed in them is left out.
   * @throws {CloudPhoenixError} `CONFLICT` with everything in which the tables differ
   */
  requireSame(from: SiteTables, to: SiteTables): void {
    const misfits = [...this.#named].flatMap(([name, named]) => {
      const [left, right] = [from.tables.get(name), to.tables.get(name)];
      if (left === undefined && right === undefined) return [];
      if (left === undefined) return [`table ${name} is missing at ${from.site}`];
      if (right === undefined) return [`table ${name} is missing at ${to.site}`];
      const columns = new Set([...named, ...namesOf(left), ...namesOf(right)]);
      return [
        ...[...columns].flatMap((column) => columnMisfit({ name, column }, from, to)),
        ...keyMisfit(name, from, to),
      ];
    });
    if (misfits.length === 0) return;
    throw new CloudPhoenixError(
      "CONFLICT",
      `nothing was applied, because the tables of the two sites differ: ${misfits.join("; ")}`,
      {
        retryable: false,
        hint: "Make the same change of the schema at the other site and apply again, or export the rows (cloudphoenix quarantine export --file FILE).",
      },
    );
  }
}

function namesOf(table: SalvageTable): readonly string[] {
  return table.columns.map((column) => column.name);
}

function columnMisfit(
  { name, column }: { readonly name: string; readonly column: string },
  from: SiteTables,
  to: SiteTables,
): readonly string[] {
  const what = `column ${column} of table ${name}`;
  const left = kindOf(from, name, column);
  const right = kindOf(to, name, column);
  if (left === right) {
    return left === null ? [`${what}, which a lost change names, is missing at both sites`] : [];
  }
  if (left === null) return [`${what} is missing at ${from.site}`];
  if (right === null) return [`${what} is missing at ${to.site}`];
  return [`${what} is ${left} at ${from.site} and ${right} at ${to.site}`];
}

/** Null if there is no such column. */
function kindOf({ tables }: SiteTables, name: string, column: string): string | null {
  const found: SalvageColumn | undefined = tables
    .get(name)
    ?.columns.find((one) => one.name === column);
  if (found === undefined) return null;
  return found.generated ? `${found.type} (computed)` : found.type;
}

/** The log of each site names rows by its own key. */
function keyMisfit(name: string, from: SiteTables, to: SiteTables): readonly string[] {
  const [left, right] = [from, to].map(({ site, tables }) => {
    const key = tables.get(name)?.key ?? null;
    return { site, by: key === null ? "no key" : `(${key.join(", ")})` };
  });
  if (left === undefined || right === undefined || left.by === right.by) return [];
  return [
    `rows of table ${name} are known by ${left.by} at ${left.site} and by ${right.by} at ${right.site}`,
  ];
}
