/**
 * Which rows two sites may differ in: every key that either changed since they parted, kept in
 * temporary tables at the site that is repaired, so that their number does not matter.
 */
import { parseChange } from "../test-decoding.ts";
import type { RowValues } from "@cloudphoenix/engine";
import type { SiteConnection } from "../site-connections.ts";
import { changedKeys } from "./divergent-rows.ts";
import { keyColumns, nameList, type SalvageTable, typedRows } from "./salvage-table.ts";

/** Keys kept in memory before they go to the server. */
const BUFFER_KEYS = 2_000;

/** Fill it inside a transaction at the site to repair; what it made there ends with that. */
export class TouchedKeys {
  readonly #site: SiteConnection;
  readonly #tables: ReadonlyMap<string, SalvageTable>;
  readonly #stored = new Map<string, string>();
  readonly #whole = new Set<string>();
  #buffer = new Map<string, RowValues[]>();
  #buffered = 0;

  constructor(site: SiteConnection, tables: ReadonlyMap<string, SalvageTable>) {
    this.#site = site;
    this.#tables = tables;
  }

  /** Takes a line of the decoded log. */
  async add(data: string): Promise<void> {
    const change = parseChange(data);
    if (change === null) return;
    for (const name of change.tables) {
      const table = this.#tables.get(name);
      // Tables that are not replicated (unlogged, an extension's) are no business of a repair.
      if (table === undefined || table.own || this.#whole.has(name)) continue;
      const { before, after } = changedKeys(change, table);
      if (before === null && after === null) this.#whole.add(name);
      for (const key of [before, after]) if (key !== null) this.#keep(name, key);
    }
    if (this.#buffered >= BUFFER_KEYS) await this.flush();
  }

  /** Sends what is still in memory to the server. */
  async flush(): Promise<void> {
    for (const [name, keys] of this.#buffer) {
      const table = this.#tables.get(name);
      if (table !== undefined) await this.#store(table, keys);
    }
    this.#buffer = new Map();
    this.#buffered = 0;
  }

  /** Tables of which single rows cannot be named: truncated, or without a key. */
  whole(): readonly SalvageTable[] {
    return [...this.#tables.values()].filter((table) => this.#whole.has(table.name));
  }

  /** Tables with touched rows, each with the temporary table that holds their keys. */
  byKey(): readonly { readonly table: SalvageTable; readonly keys: string }[] {
    return [...this.#tables.values()].flatMap((table) => {
      const keys = this.#stored.get(table.name);
      return keys === undefined || this.#whole.has(table.name) ? [] : [{ table, keys }];
    });
  }

  #keep(name: string, key: RowValues): void {
    const keys = this.#buffer.get(name) ?? [];
    keys.push(key);
    this.#buffer.set(name, keys);
    this.#buffered += 1;
  }

  async #store(table: SalvageTable, keys: readonly RowValues[]): Promise<void> {
    const columns = keyColumns(table);
    const list = nameList(columns);
    const known = this.#stored.get(table.name);
    const temporary = known ?? `pg_temp.cloudphoenix_touched_${this.#stored.size}`;
    if (known === undefined) {
      await this.#site.query(
        `create temporary table ${temporary} on commit drop as
           select ${list}, false as cloudphoenix_existed from ${table.name} with no data;
         create unique index on ${temporary} (${list})`,
      );
      this.#stored.set(table.name, temporary);
    }
    await this.#site.query(
      `insert into ${temporary} (${list}) select ${nameList(columns, "r.")}
       from ${typedRows(columns, "r")} on conflict do nothing`,
      columns.map(({ name }) => keys.map((key) => key[name] ?? null)),
    );
  }
}
