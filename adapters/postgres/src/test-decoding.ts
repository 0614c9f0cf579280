/**
 * Reads the text that PostgreSQL's `test_decoding` plugin prints for one change.
 *
 * `table public.orders: INSERT: id[bigint]:7 "my note"[text]:'it''s' tags[text[]]:null`. Names are
 * quoted where SQL would quote them, strings double their quotes, an update of a key prints the
 * old key first. Source: contrib/test_decoding/test_decoding.c.
 */

/** One changed row, or one truncation. */
export interface DecodedChange {
  /** Qualified and quoted, as `format('%I.%I')` prints it. A truncation may name several. */
  readonly tables: readonly string[];
  readonly operation: "INSERT" | "UPDATE" | "DELETE" | "TRUNCATE";
  /**
   * New values by unquoted column name; null for SQL null. Empty unless a row was inserted or
   * updated.
   */
  readonly columns: ReadonlyMap<string, string | null>;
  /** Columns that are missing there: large values that an update left alone are not logged anew. */
  readonly notLogged: readonly string[];
  /**
   * What identified the row before, by column: printed for deletes, and for updates that change the
   * key (or all columns are the replica identity: then it is the whole row, large values included).
   * Columns that were null are left out. Null if not printed.
   */
  readonly old: ReadonlyMap<string, string> | null;
}

const TABLE = "table ";
const OPERATION = /^: (INSERT|UPDATE|DELETE|TRUNCATE):/;
const OLD_KEY = " old-key:";
const NEW_TUPLE = " new-tuple:";
const NO_DATA = " (no-tuple-data)";

/** Stands, unquoted, for a large value that did not change and was not logged. */
const NOT_LOGGED = "unchanged-toast-datum";

/** Parses one line; null if it is not a change of rows (`BEGIN`, `COMMIT`, a message). */
export function parseChange(data: string): DecodedChange | null {
  if (!data.startsWith(TABLE)) return null;
  let at = TABLE.length;
  const tables: string[] = [];
  for (;;) {
    const end = endOfName(data, at);
    tables.push(data.slice(at, end));
    at = end;
    if (!data.startsWith(", ", at)) break;
    at += 2;
  }
  const [whole, operation] = OPERATION.exec(data.slice(at, at + 12)) ?? [];
  if (whole === undefined || !isOperation(operation)) {
    throw new Error(`unexpected output of test_decoding: ${data.slice(0, 80)}`);
  }
  return { tables, operation, ...parseRow(data, at + whole.length, operation) };
}

function parseRow(
  data: string,
  start: number,
  operation: DecodedChange["operation"],
): Omit<DecodedChange, "tables" | "operation"> {
  const none = { columns: new Map<string, string | null>(), notLogged: [], old: null };
  if (operation === "TRUNCATE") return none;
  if (operation === "DELETE") {
    const { columns } = parseColumns(data, start);
    return { ...none, old: columns.size === 0 ? null : withoutNulls(columns) };
  }
  if (!data.startsWith(OLD_KEY, start)) {
    const { columns, notLogged } = parseColumns(data, start);
    return { columns, notLogged, old: null };
  }
  const old = parseColumns(data, start + OLD_KEY.length);
  const { columns, notLogged } = parseColumns(data, old.end + NEW_TUPLE.length);
  return { columns, notLogged, old: withoutNulls(old.columns) };
}

/** The plugin leaves nulls out where it prints what identified a row. */
function withoutNulls(columns: ReadonlyMap<string, string | null>): ReadonlyMap<string, string> {
  const kept = new Map<string, string>();
  for (const [name, value] of columns) if (value !== null) kept.set(name, value);
  return kept;
}

function isOperation(text: string | undefined): text is DecodedChange["operation"] {
  return text === "INSERT" || text === "UPDATE" || text === "DELETE" || text === "TRUNCATE";
}

interface ParsedColumns extends Pick<DecodedChange, "columns" | "notLogged"> {
  readonly end: number;
}

function parseColumns(data: string, start: number): ParsedColumns {
  const columns = new Map<string, string | null>();
  const notLogged: string[] = [];
  let at = start;
  while (data[at] === " " && !data.startsWith(NO_DATA, at) && !data.startsWith(NEW_TUPLE, at)) {
    const nameEnd = endOfName(data, at + 1);
    const name = unquotedName(data.slice(at + 1, nameEnd));
    const typeEnd = endOfType(data, nameEnd);
    const valueEnd = endOfValue(data, typeEnd);
    const value = data.slice(typeEnd, valueEnd);
    if (value === NOT_LOGGED) notLogged.push(name);
    else columns.set(name, valueOf(value));
    at = valueEnd;
  }
  return { columns, notLogged, end: at };
}

/** Past a name of one or two parts, each plain or in double quotes. */
function endOfName(data: string, start: number): number {
  let at = start;
  while (at < data.length) {
    if (data[at] === '"') at = endOfQuoted(data, at, '"');
    else if (data[at] === ":" || data[at] === "[" || data[at] === ",") break;
    else at += 1;
  }
  return at;
}

/** Past `[type]:`; types may hold brackets and quoted names. */
function endOfType(data: string, start: number): number {
  let at = start;
  while (at < data.length && !data.startsWith("]:", at)) {
    at = data[at] === '"' ? endOfQuoted(data, at, '"') : at + 1;
  }
  return at + 2;
}

/** Past a value: in single quotes (bit strings with a `B` before), or up to the next space. */
function endOfValue(data: string, start: number): number {
  const quote = data[start] === "B" && data[start + 1] === "'" ? start + 1 : start;
  if (data[quote] === "'") return endOfQuoted(data, quote, "'");
  const space = data.indexOf(" ", start);
  return space === -1 ? data.length : space;
}

/** Past a quoted text whose quotes are doubled inside. */
function endOfQuoted(data: string, start: number, quote: string): number {
  let at = start + 1;
  for (;;) {
    const next = data.indexOf(quote, at);
    if (next === -1) return data.length;
    if (data[next + 1] !== quote) return next + 1;
    at = next + 2;
  }
}

function unquotedName(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

function valueOf(text: string): string | null {
  if (text === "null") return null;
  const quoted = text.startsWith("B'") ? text.slice(1) : text;
  return quoted.startsWith("'") ? quoted.slice(1, -1).replaceAll("''", "'") : text;
}
