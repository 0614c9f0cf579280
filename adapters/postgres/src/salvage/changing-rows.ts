/** Rows that change while tables are being compared, by what the writer's log says. */
import type { RowValues } from "@cloudphoenix/engine";
import { parseChange } from "../test-decoding.ts";
import { changedKeys } from "./divergent-rows.ts";
import type { SalvageTable } from "./salvage-table.ts";

/** More than this in one table within a few round trips is a bulk load: look again later. */
const KEYS_MAX = 100_000;

export class ChangingRows {
  readonly #tables: ReadonlyMap<string, SalvageTable>;
  /** By the JSON of the key; null once single rows cannot be told any more. */
  readonly #keys = new Map<string, Map<string, RowValues> | null>();

  constructor(tables: ReadonlyMap<string, SalvageTable>) {
    this.#tables = tables;
  }

  tables(): readonly SalvageTable[] {
    return [...this.#tables.values()];
  }

  /** Takes a line of the decoded log. */
  add(data: string): void {
    const change = parseChange(data);
    if (change === null) return;
    for (const name of change.tables) {
      const known = this.#keys.get(name) ?? new Map<string, RowValues>();
      if (this.#keys.get(name) === null) continue;
      const { before, after } = changedKeys(change, this.#tables.get(name));
      for (const key of [before, after]) if (key !== null) known.set(JSON.stringify(key), key);
      const named = before !== null || after !== null;
      this.#keys.set(name, named && known.size <= KEYS_MAX ? known : null);
    }
  }

  /** Keys of the rows of `table` that changed; null if they cannot be named. */
  keysOf(table: string): readonly RowValues[] | null {
    const keys = this.#keys.get(table);
    if (keys === undefined) return [];
    return keys === null ? null : [...keys.values()];
  }
}
