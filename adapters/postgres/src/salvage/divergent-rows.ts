/** Every change that a returned old primary alone holds, one at a time, in commit order. */
import type { SiteId } from "@cloudphoenix/core";
import type { DivergentRow, RowValues } from "@cloudphoenix/engine";
import { commitTime } from "../lost-transactions.ts";
import { SCHEMA } from "../object-names.ts";
import type { PostgresContext } from "../postgres-context.ts";
import { type DecodedChange, parseChange } from "../test-decoding.ts";
import { changesBehind, keptSlot, readInPortions, withDecodedSlot } from "./decoded-log.ts";
import { readSalvageTables, type SalvageTable } from "./salvage-table.ts";

/** The keys a change names: of the row before it and of the row after it. */
export interface ChangedKeys {
  readonly before: RowValues | null;
  readonly after: RowValues | null;
}

const OPERATIONS = {
  INSERT: "insert",
  UPDATE: "update",
  DELETE: "delete",
  TRUNCATE: "truncate",
} as const;

interface LostChange {
  readonly xid: string;
  readonly data: string;
  readonly commit: string;
}

/**
 * Hands the divergent rows of `from` to `take` in portions; ends when all were taken. Strictly
 * behind `applied`, see `LostTransactions`.
 */
export async function eachDivergentRow(
  context: PostgresContext,
  { from, applied }: { readonly from: SiteId; readonly applied: string },
  signal: AbortSignal,
  take: (rows: readonly DivergentRow[]) => Promise<void>,
): Promise<void> {
  await context.connections.withSession(from, signal, async (connection) => {
    const slot = await keptSlot(context, connection);
    const tables = await readSalvageTables(connection);
    await withDecodedSlot(connection, slot, (copy) =>
      readInPortions<LostChange>(
        connection,
        { query: changesBehind(copy, applied, false), limitMs: context.limits.lossReadMs },
        (changes) => take(changes.flatMap((change) => divergentRows(change, tables))),
      ),
    );
  });
}

function divergentRows(
  { xid, data, commit }: LostChange,
  tables: ReadonlyMap<string, SalvageTable>,
): readonly DivergentRow[] {
  const change = parseChange(data);
  if (change === null) return [];
  const committedAtMs = commitTime(commit);
  return change.tables.flatMap((name): readonly DivergentRow[] => {
    // What we note about the site itself is nobody's loss.
    if (name.startsWith(`${SCHEMA}.`)) return [];
    const table = tables.get(name);
    const { before, after } = changedKeys(change, table);
    return [
      {
        table: name,
        operation: OPERATIONS[change.operation],
        key: before ?? after,
        ...loggedValues(change, table),
        xid,
        committedAtMs,
      },
    ];
  });
}

/** The row before and after a change, as far as the log has it. */
function loggedValues(
  change: DecodedChange,
  table: SalvageTable | undefined,
): Pick<DivergentRow, "before" | "row" | "unchanged"> {
  const { columns, notLogged, old } = change;
  const virtual = new Set(table?.columns.filter((one) => one.virtual).map((one) => one.name));
  const row = new Map([...columns].filter(([name]) => !virtual.has(name)));
  // What was left alone is what it was, and a whole row as it was holds it.
  for (const name of notLogged) {
    const kept = old?.get(name);
    if (kept !== undefined) row.set(name, kept);
  }
  return {
    before: old === null ? null : Object.fromEntries(wholeRow(change, old, table)),
    row: columns.size === 0 ? null : Object.fromEntries(row),
    unchanged: notLogged.filter((name) => !row.has(name)),
  };
}

/** With the columns that were null, which the log leaves out; but only where it has whole rows. */
function wholeRow(
  { operation, columns, notLogged }: DecodedChange,
  old: ReadonlyMap<string, string>,
  table: SalvageTable | undefined,
): ReadonlyMap<string, string | null> {
  if (table?.logsWholeRows !== true) return old;
  // An update names the columns that there were then.
  const then = operation === "UPDATE" ? new Set([...columns.keys(), ...notLogged]) : null;
  const missing = table.columns.filter(
    ({ name, virtual }) => !virtual && !old.has(name) && (then === null || then.has(name)),
  );
  return new Map<string, string | null>([
    ...old,
    ...missing.map(({ name }) => [name, null] as const),
  ]);
}

/** Null where the log does not name the row, or where there is none. */
export function changedKeys(change: DecodedChange, table: SalvageTable | undefined): ChangedKeys {
  const key = table?.key ?? null;
  if (key === null || change.operation === "TRUNCATE") return { before: null, after: null };
  const after = change.columns.size === 0 ? null : pick(key, change.columns);
  if (change.operation === "INSERT") return { before: null, after };
  return { before: change.old === null ? after : pick(key, change.old), after };
}

function pick(
  key: readonly string[],
  values: ReadonlyMap<string, string | null>,
): Readonly<Record<string, string>> | null {
  const picked: Record<string, string> = {};
  for (const name of key) {
    const value = values.get(name);
    // A key of which a part is missing names no row.
    if (typeof value !== "string") return null;
    picked[name] = value;
  }
  return picked;
}
