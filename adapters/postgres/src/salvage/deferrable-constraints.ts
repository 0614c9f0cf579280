/**
 * Deferrable unique and exclusion constraints, checked by asking for rows that break them.
 *
 * PostgreSQL itself checks them in triggers, which do not fire where rows change as replication
 * changes them: only constraints that are not deferrable are still checked by their index then.
 *
 * Such an index makes nobody wait who writes the same key at the same time, and a question sees
 * only what was committed. So nobody else may write to the table from before the first change until
 * the end of the transaction. Readers are not locked out.
 */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { SiteConnection } from "../site-connections.ts";
import { isLockFailure } from "../write-gate.ts";

/**
 * How long to wait for transactions that write to the tables; later writers queue up behind us
 * meanwhile. Longer than `deadlock_timeout` (1 s), because only then does an autovacuum make way.
 */
const LOCK_WAIT_MS = 3_000;

/** What an index compares, and with which operator two rows must not agree. */
interface Compared {
  readonly expression: string;
  /** Null where the type has none. */
  readonly collation: string | null;
  readonly operator: string;
}

interface DeferrableConstraint {
  readonly table: string;
  /** Rows it does not hold for are not compared; null if it holds for all. */
  readonly predicate: string | null;
  readonly nullsEqual: boolean;
  readonly compared: readonly Compared[];
}

/** A row as it lies in its table now. */
export interface ChangedRow {
  readonly table: string;
  /** Where: its `ctid`. */
  readonly place: string;
}

export class DeferrableConstraints {
  readonly #connection: SiteConnection;
  readonly #byTable: ReadonlyMap<string, readonly DeferrableConstraint[]>;

  private constructor(
    connection: SiteConnection,
    byTable: ReadonlyMap<string, readonly DeferrableConstraint[]>,
  ) {
    this.#connection = connection;
    this.#byTable = byTable;
  }

  static async read(connection: SiteConnection): Promise<DeferrableConstraints> {
    const all = await connection.query<DeferrableConstraint>(CONSTRAINTS);
    return new DeferrableConstraints(
      connection,
      Map.groupBy(all, ({ table }) => table),
    );
  }

  /** Whether rows of `table` have to be checked here. */
  concern(table: string): boolean {
    return this.#byTable.has(table);
  }

  /**
   * Keeps everybody else from writing to those of `tables` that have such constraints, until the
   * caller's transaction ends. Call it before anything else is locked.
   * @throws {CloudPhoenixError} `CONFLICT` (retryable) if a transaction there does not end in time
   */
  async lock(tables: Iterable<string>): Promise<void> {
    const names = [...tables].filter((name) => this.concern(name)).toSorted();
    if (names.length === 0) return;
    try {
      await this.#connection.query(
        `set local lock_timeout = ${LOCK_WAIT_MS};
         lock table ${names.join(", ")} in share row exclusive mode;
         set local lock_timeout to default`,
      );
    } catch (error) {
      throw isLockFailure(error) ? inUse(this.#connection.site, names, error) : error;
    }
  }

  /** Whether one of `rows` and any other row of its table break a constraint between them. */
  async areBroken(rows: readonly ChangedRow[]): Promise<boolean> {
    for (const [table, changed] of Map.groupBy(rows, (row) => row.table)) {
      const places = changed.map(({ place }) => place);
      for (const constraint of this.#byTable.get(table) ?? []) {
        const found = await this.#connection.query(clashing(constraint), [places]);
        if (found.length > 0) return true;
      }
    }
    return false;
  }
}

/** Two rows of the table, the first of them one of those at `$1`, that break the constraint. */
function clashing({ table, predicate, nullsEqual, compared }: DeferrableConstraint): string {
  const columns = compared.map(({ expression }, at) => `(${expression}) as c${at}`);
  const where = predicate === null ? "" : ` where ${predicate}`;
  const rows = `(select ctid as place, ${columns.join(", ")} from only ${table}${where})`;
  const agree = compared.map(({ collation, operator }, at) => {
    const left = collation === null ? `a.c${at}` : `a.c${at} collate ${collation}`;
    const same = `(${left}) operator(${operator}) b.c${at}`;
    return nullsEqual
      ? `(${same} or a.c${at} is not distinct from null and b.c${at} is not distinct from null)`
      : same;
  });
  return `select from ${rows} a join ${rows} b on a.place <> b.place and ${agree.join(" and ")}
    where a.place = any ($1::tid[]) limit 1`;
}

function inUse(site: string, tables: readonly string[], cause: unknown): CloudPhoenixError {
  return new CloudPhoenixError(
    "CONFLICT",
    `a transaction at site ${site} has been writing for more than ${LOCK_WAIT_MS} ms to one of the tables with deferrable constraints (${tables.join(", ")})`,
    {
      retryable: true,
      hint: "Let it end, or end it, and apply again; nothing was applied.",
      cause,
    },
  );
}

/** An exclusion constraint names its operators; a unique index compares for equality (strategy 3). */
const CONSTRAINTS = `
  select format('%I.%I', n.nspname, c.relname) as table,
    pg_get_expr(x.indpred, x.indrelid) as predicate, x.indnullsnotdistinct as "nullsEqual",
    (select jsonb_agg(jsonb_build_object(
        'expression', pg_get_indexdef(x.indexrelid, at, false),
        'collation', (select format('%I.%I', cn.nspname, co.collname)
          from pg_collation co join pg_namespace cn on cn.oid = co.collnamespace
          where co.oid = x.indcollation[at - 1]),
        'operator', (select format('%I.%s', pn.nspname, p.oprname)
          from pg_operator p join pg_namespace pn on pn.oid = p.oprnamespace
          where p.oid = coalesce(k.conexclop[at], (select m.amopopr
            from pg_opclass s join pg_amop m on m.amopfamily = s.opcfamily
              and m.amoplefttype = s.opcintype and m.amoprighttype = s.opcintype
            where s.oid = x.indclass[at - 1] and m.amopstrategy = 3)))) order by at)
      from generate_series(1, x.indnkeyatts::int) as at) as compared
  from pg_constraint k join pg_index x on x.indexrelid = k.conindid
    join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
  where k.contype in ('p', 'u', 'x') and k.condeferrable order by 1, k.conname`;
