/** Adds up lost transactions from decoded changes, in bounded memory. */
import type { LossReport } from "@cloudphoenix/core";
import { parseLsn } from "./lsn.ts";
import { SCHEMA } from "./object-names.ts";
import { isRepairMark } from "./salvage/repair-mark.ts";
import { type DecodedChange, parseChange } from "./test-decoding.ts";

/** One row of `pg_logical_slot_peek_changes`. */
export interface DecodedRow {
  /** For `COMMIT`: the end of the commit, as replication origins count it. */
  readonly lsn: string;
  readonly data: string;
}

/** Keys kept in all; a report is for people, a repair reads the log again. */
const KEYS_MAX = 10_000;

/** What the log says beyond the report. */
export interface LostDetails {
  /** Commit times at the old primary, milliseconds; null if nothing was lost. */
  readonly firstAtMs: number | null;
  readonly lastAtMs: number | null;
  readonly truncatedTables: readonly string[];
  /** Whether a repair has changed this site already. */
  readonly repaired: boolean;
}

/** `COMMIT 757 (at 2026-01-01 00:00:00.123456+00)`. */
const COMMIT = /^COMMIT\b.*\(at (\d{4}-\d\d-\d\d) ([\d:.]+)\+00\)/;

/**
 * Feed it every row in order. A transaction is lost if its commit is *strictly* behind what was
 * applied: the applied position is the end of the last applied commit, so `>=` would count one
 * transaction that is not missing. Transactions that touch only our own tables do not count, nor
 * do our repairs.
 */
export class LostTransactions {
  readonly #applied: bigint;
  readonly #primaryKeys: ReadonlyMap<string, readonly string[]>;
  readonly #rows = new Map<string, number>();
  readonly #keys = new Map<string, string[]>();
  #transactions = 0;
  #keyCount = 0;
  #truncated = false;
  #open: OpenTransaction = new OpenTransaction();
  #lastAppliedAtMs: number | null = null;
  #firstLostAtMs: number | null = null;
  #lastLostAtMs: number | null = null;
  readonly #truncatedTables = new Set<string>();
  #repaired = false;

  /** @param primaryKeys - column names by qualified table name */
  constructor(applied: bigint, primaryKeys: ReadonlyMap<string, readonly string[]>) {
    this.#applied = applied;
    this.#primaryKeys = primaryKeys;
  }

  add(row: DecodedRow): void {
    if (row.data.startsWith("BEGIN")) {
      this.#open = new OpenTransaction();
      return;
    }
    if (row.data.startsWith("COMMIT")) {
      this.#commit(row);
      return;
    }
    if (isRepairMark(row.data)) this.#open.repair = true;
    const change = parseChange(row.data);
    if (change !== null) this.#open.add(change, this.#primaryKeys, KEYS_MAX - this.#keyCount);
  }

  report(): LossReport {
    // Without an applied transaction in the log, the oldest lost one is the nearest known time.
    const since = this.#lastAppliedAtMs ?? this.#firstLostAtMs;
    return {
      transactions: this.#transactions,
      rowsByTable: Object.fromEntries(this.#rows),
      keysByTable: Object.fromEntries(this.#keys),
      truncated: this.#truncated,
      rpoMs:
        since === null || this.#lastLostAtMs === null ? 0 : Math.max(0, this.#lastLostAtMs - since),
    };
  }

  details(): LostDetails {
    return {
      firstAtMs: this.#firstLostAtMs,
      lastAtMs: this.#lastLostAtMs,
      truncatedTables: [...this.#truncatedTables],
      repaired: this.#repaired,
    };
  }

  #commit(row: DecodedRow): void {
    const atMs = commitTime(row.data);
    if (parseLsn(row.lsn) <= this.#applied) {
      this.#lastAppliedAtMs = atMs;
      return;
    }
    this.#repaired ||= this.#open.repair;
    if (this.#open.repair || this.#open.rows.size === 0) return;
    this.#transactions += 1;
    this.#firstLostAtMs ??= atMs;
    this.#lastLostAtMs = atMs;
    this.#truncated ||= this.#open.truncated;
    for (const table of this.#open.truncatedTables) this.#truncatedTables.add(table);
    for (const [table, count] of this.#open.rows) {
      this.#rows.set(table, (this.#rows.get(table) ?? 0) + count);
    }
    for (const [table, keys] of this.#open.keys) {
      this.#keyCount += keys.length;
      const kept = this.#keys.get(table);
      if (kept === undefined) this.#keys.set(table, keys);
      else for (const key of keys) kept.push(key);
    }
  }
}

/** Counts of the transaction being read; thrown away if it turns out to be applied. */
class OpenTransaction {
  readonly rows = new Map<string, number>();
  readonly keys = new Map<string, string[]>();
  readonly truncatedTables = new Set<string>();
  /** Keys were left out. */
  truncated = false;
  /** Made by a repair of ours, not by the application. */
  repair = false;
  #keyCount = 0;

  add(
    change: DecodedChange,
    primaryKeys: ReadonlyMap<string, readonly string[]>,
    room: number,
  ): void {
    for (const table of change.tables) {
      if (table.startsWith(`${SCHEMA}.`)) continue;
      this.rows.set(table, (this.rows.get(table) ?? 0) + 1);
      if (change.operation === "TRUNCATE") this.truncatedTables.add(table);
      const columns = change.operation === "INSERT" ? primaryKeys.get(table) : undefined;
      if (columns === undefined || columns.length === 0) continue;
      if (this.#keyCount >= room) {
        this.truncated = true;
        continue;
      }
      this.#keyCount += 1;
      const keys = this.keys.get(table) ?? [];
      keys.push(keyText(columns, change));
      this.keys.set(table, keys);
    }
  }
}

/** The value itself, or for keys of several columns a JSON array of the values. */
function keyText(columns: readonly string[], change: DecodedChange): string {
  const values = columns.map((column) => change.columns.get(column) ?? null);
  const [only] = values;
  return values.length === 1 && typeof only === "string" ? only : JSON.stringify(values);
}

/** Epoch milliseconds. The session prints times in ISO style and UTC. */
export function commitTime(data: string): number {
  const [, day, time] = COMMIT.exec(data) ?? [];
  if (day === undefined || time === undefined) {
    throw new Error(`unexpected output of test_decoding: ${data.slice(0, 80)}`);
  }
  return Date.parse(`${day}T${time}Z`);
}
