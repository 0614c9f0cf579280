/**
 * Makes the touched rows of one site equal to those in a snapshot of the other.
 *
 * Rows nobody touched are equal at both since they parted. All touched rows go first, in every
 * table, and then come back as the other site has them: at no time do old and new rows exist side
 * by side, so no unique constraint is in the way.
 */
import type { SiteConnection } from "../site-connections.ts";
import {
  keyColumns,
  nameList,
  type SalvageColumn,
  type SalvageTable,
  sameKey,
  typedRows,
  writableColumns,
} from "./salvage-table.ts";
import type { TouchedKeys } from "./touched-keys.ts";

export interface RepairCounts {
  readonly deleted: number;
  readonly restored: number;
}

/** The site to repair, inside a transaction, and the other, inside a snapshot. */
export interface RepairSides {
  readonly site: SiteConnection;
  readonly source: SiteConnection;
}

type TextRow = readonly (string | null)[];

const PORTION_ROWS = 1_000;

/** Repairs by key what can be named by key, and copies `whole` tables. */
export async function repairTables(
  sides: RepairSides,
  touched: TouchedKeys,
  whole: readonly SalvageTable[],
  limitMs: number,
): Promise<RepairCounts> {
  const { site } = sides;
  const slow = { timeoutMs: limitMs };
  for (const table of whole) await site.query(`delete from ${table.name}`, [], slow);
  for (const { table, keys } of touched.byKey()) {
    await site.query(
      `analyze ${keys};
       with gone as (delete from ${table.name} t using ${keys} k where ${sameKey(table, "t", "k")}
         returning k.ctid as id)
       update ${keys} k set cloudphoenix_existed = true from gone where k.ctid = gone.id`,
      [],
      slow,
    );
  }
  for (const table of whole) await copyWhole(sides, table, limitMs);
  let restored = 0;
  let deleted = 0;
  for (const { table, keys } of touched.byKey()) {
    restored += await restore(sides, { table, keys }, limitMs);
    const { count } = await site.one<{ readonly count: number }>(
      `select count(*)::float8 as count from ${keys} k where k.cloudphoenix_existed
         and not exists (select from ${table.name} t where ${sameKey(table, "t", "k")})`,
    );
    deleted += count;
  }
  return { deleted, restored };
}

async function copyWhole(
  { site, source }: RepairSides,
  table: SalvageTable,
  limitMs: number,
): Promise<void> {
  const columns = writableColumns(table);
  await portions(source, `select ${asArray(columns, "t")} from ${table.name} t`, limitMs, (rows) =>
    insert(site, table, rows),
  );
}

async function restore(
  { site, source }: RepairSides,
  { table, keys }: { readonly table: SalvageTable; readonly keys: string },
  limitMs: number,
): Promise<number> {
  const named = keyColumns(table);
  const columns = writableColumns(table);
  let restored = 0;
  await portions(site, `select ${asArray(named, "k")} from ${keys} k`, limitMs, async (wanted) => {
    const rows = await source.query<{ readonly row: TextRow }>(
      `select ${asArray(columns, "t")} from ${table.name} t
       join ${typedRows(named, "k")} on ${sameKey(table, "t", "k")}`,
      byColumn(named, wanted),
    );
    await insert(
      site,
      table,
      rows.map(({ row }) => row),
    );
    restored += rows.length;
  });
  return restored;
}

async function insert(
  site: SiteConnection,
  table: SalvageTable,
  rows: readonly TextRow[],
): Promise<void> {
  if (rows.length === 0) return;
  const columns = writableColumns(table);
  await site.query(
    `insert into ${table.name} (${nameList(columns)}) overriding system value
     select ${nameList(columns, "r.")} from ${typedRows(columns, "r")}`,
    byColumn(columns, rows),
  );
}

/** Reads a question in portions. Unlike `readInPortions`, inside the caller's transaction. */
async function portions(
  connection: SiteConnection,
  query: string,
  limitMs: number,
  take: (rows: readonly TextRow[]) => Promise<void>,
): Promise<void> {
  const slow = { timeoutMs: limitMs };
  await connection.query(`declare portion no scroll cursor for ${query}`, [], slow);
  for (;;) {
    const rows = await connection.query<{ readonly row: TextRow }>(
      `fetch ${PORTION_ROWS} from portion`,
      [],
      slow,
    );
    await take(rows.map(({ row }) => row));
    if (rows.length < PORTION_ROWS) break;
  }
  await connection.query("close portion");
}

/** All values of a row as text, in the order of `columns`. */
function asArray(columns: readonly SalvageColumn[], alias: string): string {
  const values = columns.map((column) => `${nameList([column], `${alias}.`)}::text`);
  return `array[${values.join(", ")}]::text[] as row`;
}

function byColumn(
  columns: readonly SalvageColumn[],
  rows: readonly TextRow[],
): readonly (readonly (string | null)[])[] {
  return columns.map((_, at) => rows.map((row) => row[at] ?? null));
}
