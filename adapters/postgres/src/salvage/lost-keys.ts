/** Rows that lost transactions want to change, and which of them are no longer theirs to change. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { DivergentRow, RowValues } from "@cloudphoenix/engine";
import type { SiteConnection } from "../site-connections.ts";
import { parseChange } from "../test-decoding.ts";
import { changedKeys } from "./divergent-rows.ts";
import { keyColumns, type SalvageTable, sameKey, typedRows } from "./salvage-table.ts";

/** What is kept in memory. A longer tail is for people to sort out, not for a button. */
const KEYS_MAX = 200_000;

const LOCK_KEYS = 5_000;

interface LostKey {
  readonly key: RowValues;
  blocked: boolean;
}

export class LostKeys {
  readonly #tables: ReadonlyMap<string, SalvageTable>;
  readonly #keys = new Map<string, Map<string, LostKey>>();
  readonly #blockedTables = new Set<string>();
  #count = 0;

  constructor(tables: ReadonlyMap<string, SalvageTable>) {
    this.#tables = tables;
  }

  /** Notes what `row` wants to change. @throws {CloudPhoenixError} `CONFLICT` if it is too much */
  want(row: DivergentRow): void {
    for (const key of this.keysOf(row)) {
      const keys = this.#keys.get(row.table) ?? new Map<string, LostKey>();
      const text = JSON.stringify(key);
      if (!keys.has(text)) this.#count += 1;
      keys.set(text, keys.get(text) ?? { key, blocked: false });
      this.#keys.set(row.table, keys);
    }
    if (this.#count <= KEYS_MAX) return;
    throw new CloudPhoenixError("CONFLICT", `more than ${KEYS_MAX} rows diverged`, {
      retryable: false,
      hint: "Export the rows and apply what matters by hand.",
    });
  }

  /** Takes a line of the writer's log: what it changed is not ours to change. */
  noteTaken(data: string): void {
    const change = parseChange(data);
    if (change === null) return;
    for (const name of change.tables) {
      if (change.operation === "TRUNCATE") this.#blockedTables.add(name);
      const { before, after } = changedKeys(change, this.#tables.get(name));
      for (const key of [before, after]) if (key !== null) this.#block(name, key);
    }
  }

  /** A row that was left out: whatever builds on it must be left out too. */
  leaveOut(row: DivergentRow): void {
    if (row.operation === "truncate") this.#blockedTables.add(row.table);
    for (const key of this.keysOf(row)) this.#block(row.table, key);
  }

  /** Whether `row` may be changed. Rows that cannot be named may only be added. */
  isFree(row: DivergentRow): boolean {
    if (row.operation === "truncate" || this.#blockedTables.has(row.table)) return false;
    if (row.key === null) return row.operation === "insert";
    const known = this.#keys.get(row.table);
    return this.keysOf(row).every((key) => known?.get(JSON.stringify(key))?.blocked !== true);
  }

  /** The keys `row` names: as it was found, and as it is afterwards. */
  keysOf({ table, key, row }: DivergentRow): readonly RowValues[] {
    if (key === null) return [];
    if (row === null) return [key];
    const names = this.#tables.get(table)?.key ?? [];
    return [key, Object.fromEntries(names.map((name) => [name, row[name] ?? null]))];
  }

  /** Locks those rows that exist at the writer until the caller's transaction ends. */
  async lock(writer: SiteConnection): Promise<void> {
    for (const [name, keys] of this.#keys) {
      const table = this.#tables.get(name);
      if (table === undefined) continue;
      const all = [...keys.values()].map(({ key }) => key);
      for (let at = 0; at < all.length; at += LOCK_KEYS) {
        const some = all.slice(at, at + LOCK_KEYS);
        const columns = keyColumns(table);
        await writer.query(
          `select from ${name} t join ${typedRows(columns, "k")} on ${sameKey(table, "t", "k")}
           for update of t`,
          columns.map((column) => some.map((key) => key[column.name] ?? null)),
        );
      }
    }
  }

  #block(table: string, key: RowValues): void {
    const known = this.#keys.get(table)?.get(JSON.stringify(key));
    if (known !== undefined) known.blocked = true;
  }
}
