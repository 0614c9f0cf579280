/** Applies lost transactions one by one inside one transaction at the writer, each whole or not at all. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { DivergentRow, ReapplyResult, RowValues } from "@cloudphoenix/engine";
import { escapeIdentifier } from "pg";
import { sqlStateOf } from "../database-error.ts";
import type { SiteConnection } from "../site-connections.ts";
import type { ChangedRow, DeferrableConstraints } from "./deferrable-constraints.ts";
import type { ForeignKeys, Referred } from "./foreign-keys.ts";
import type { LostKeys } from "./lost-keys.ts";
import { byKey, columnOf, type SalvageTable } from "./salvage-table.ts";

/** Listed for people; the rest is counted. */
const CONFLICTS_MAX = 10_000;

/** Class of `integrity_constraint_violation`, and of values that do not fit. PostgreSQL manual, appendix A. */
const REFUSED_BY_DATA = /^2[23]/;

/** What a lost transaction must agree with besides the constraints that PostgreSQL checks itself. */
export interface ReplayChecks {
  readonly keys: LostKeys;
  readonly foreignKeys: ForeignKeys;
  /** Its tables are locked already. */
  readonly deferrable: DeferrableConstraints;
}

/** Feed it every row in order, then call `finish`. */
export class Replay {
  readonly #writer: SiteConnection;
  readonly #tables: ReadonlyMap<string, SalvageTable>;
  readonly #keys: LostKeys;
  readonly #foreignKeys: ForeignKeys;
  readonly #deferrable: DeferrableConstraints;
  readonly #conflicts: DivergentRow[] = [];
  readonly #changed = new Set<string>();
  #applied = 0;
  #conflicting = 0;
  #open: OpenReplay | null = null;

  constructor(
    writer: SiteConnection,
    tables: ReadonlyMap<string, SalvageTable>,
    checks: ReplayChecks,
  ) {
    this.#writer = writer;
    this.#tables = tables;
    this.#keys = checks.keys;
    this.#foreignKeys = checks.foreignKeys;
    this.#deferrable = checks.deferrable;
  }

  async add(row: DivergentRow): Promise<void> {
    if (this.#open?.xid !== row.xid) {
      await this.#end();
      await this.#writer.query("savepoint lost");
      this.#open = { xid: row.xid, rows: [], referred: [], changed: [], fits: true };
    }
    const open = this.#open;
    open.rows.push(row);
    if (open.fits) open.fits = this.#keys.isFree(row) && (await this.#attempt(open, row));
  }

  async finish(): Promise<ReapplyResult> {
    await this.#end();
    return {
      applied: this.#applied,
      conflicting: this.#conflicting,
      conflicts: this.#conflicts,
      alreadyDone: false,
    };
  }

  /** Tables in which something was changed to stay. */
  changedTables(): ReadonlySet<string> {
    return this.#changed;
  }

  async #end(): Promise<void> {
    const open = this.#open;
    if (open === null) return;
    this.#open = null;
    if (open.fits && !(await this.#breaksConstraints(open))) {
      await this.#writer.query("release savepoint lost");
      this.#applied += open.rows.length;
      for (const row of open.rows) this.#changed.add(row.table);
      return;
    }
    await this.#writer.query("rollback to savepoint lost");
    this.#conflicting += open.rows.length;
    for (const row of open.rows) {
      this.#keys.leaveOut(row);
      if (this.#conflicts.length < CONFLICTS_MAX) this.#conflicts.push(row);
    }
  }

  /** @returns whether exactly the named row was changed */
  async #attempt(open: OpenReplay, row: DivergentRow): Promise<boolean> {
    const table = this.#tables.get(row.table);
    if (table === undefined) return false;
    try {
      if (row.operation !== "insert" && row.key !== null) {
        open.referred.push(...(await this.#foreignKeys.referred(table, row.key)));
      }
      const { text, values } = statementFor(table, row);
      const changed = await this.#writer.query<{ readonly place: string }>(text, values);
      if (row.operation !== "delete" && this.#deferrable.concern(table.name)) {
        for (const { place } of changed) open.changed.push({ table: table.name, place });
      }
      return changed.length === 1;
    } catch (error) {
      if (REFUSED_BY_DATA.test(sqlStateOf(error) ?? "")) return false;
      throw error;
    }
  }

  /** Only a whole transaction can be judged: a parent may come after its child, a swap takes two. */
  async #breaksConstraints({ rows, referred, changed }: OpenReplay): Promise<boolean> {
    if (await this.#deferrable.areBroken(changed)) return true;
    for (const row of rows) {
      const table = this.#tables.get(row.table);
      const key = this.#keys.keysOf(row).at(-1);
      if (table === undefined || key === undefined || row.operation === "delete") continue;
      if (await this.#foreignKeys.isOrphan(table, key)) return true;
    }
    for (const one of referred) if (await this.#foreignKeys.leavesOrphans(one)) return true;
    return false;
  }
}

interface OpenReplay {
  readonly xid: string;
  readonly rows: DivergentRow[];
  readonly referred: Referred[];
  /** Where deferrable constraints have to be checked. */
  readonly changed: ChangedRow[];
  fits: boolean;
}

/** One whose rows are the `place`s of those it found. */
interface Statement {
  readonly text: string;
  readonly values: readonly (string | null)[];
}

const PLACE = "ctid::text as place";

function statementFor(table: SalvageTable, { operation, key, row }: DivergentRow): Statement {
  if (operation === "insert" && row !== null) return insertion(table, row);
  if (operation === "update" && row !== null && key !== null) return updating(table, key, row);
  if (operation === "delete" && key !== null) {
    const { where, values } = byKey(table, key);
    return { text: `delete from ${table.name} t where ${where} returning ${PLACE}`, values };
  }
  throw new CloudPhoenixError("INTERNAL", `a ${operation} of ${table.name} names no row`, {
    retryable: false,
  });
}

function insertion(table: SalvageTable, row: RowValues): Statement {
  const names = writable(table, row);
  const list = names.map((name) => escapeIdentifier(name)).join(", ");
  const parameters = names.map((_, at) => `$${at + 1}`).join(", ");
  return {
    text: `insert into ${table.name} (${list}) overriding system value values (${parameters})
      returning ${PLACE}`,
    values: names.map((name) => row[name] ?? null),
  };
}

function updating(table: SalvageTable, key: RowValues, row: RowValues): Statement {
  const { where, values } = byKey(table, key);
  const all = [...values];
  const equal = (name: string): string => {
    all.push(row[name] ?? null);
    return `${escapeIdentifier(name)} = $${all.length}`;
  };
  // What the key says already need not be set.
  const names = writable(table, row).filter((name) => key[name] !== row[name]);
  const drawn = names.filter((name) => columnOf(table, name).drawn);
  // Found is only a row that has this number already.
  const found = [where, ...drawn.map((name) => `t.${equal(name)}`)].join(" and ");
  const set = names.filter((name) => !drawn.includes(name)).map(equal);
  const text =
    set.length === 0
      ? `select ${PLACE} from ${table.name} t where ${found}`
      : `update ${table.name} t set ${set.join(", ")} where ${found} returning ${PLACE}`;
  return { text, values: all };
}

function writable(table: SalvageTable, row: RowValues): readonly string[] {
  return Object.keys(row).filter((name) => !columnOf(table, name).generated);
}
