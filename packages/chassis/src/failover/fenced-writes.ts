/**
 * Writes that are acknowledged only while this site holds the writer epoch.
 *
 * The lease is read in the write's own transaction, in a round trip that is made anyway. Where
 * CloudPhoenix is not installed there is no lease; the first write after it came is fenced again,
 * because every unfenced write looks whether the lease function exists.
 */
import type { Connection, Statement } from "../database/connection.ts";
import type { Database, TransactionOpening, TransactionOptions } from "../database/database.ts";
import { isMissingObject } from "../database/sql-state.ts";
import { PendingWrite } from "./acknowledgement-fence.ts";

/** Column every write of `FencedWrites.statement` returns. */
const LEASE_COLUMN = "lease_remaining_ms";

/** One text per situation; the same parameters and the same columns. */
export interface WriteStatement {
  /** For a database with the lease: returns `lease_remaining_ms` from `writeStatement`. */
  readonly leased: Statement;
  /** For one without: returns it from `writeStatement`. */
  readonly unleased: Statement;
}

/** SQL for the lease column of a write's reply. `-1` says that the lease has come meanwhile. */
const LEASE_EXPRESSION = {
  leased: `cloudphoenix.lease_remaining_ms() as ${LEASE_COLUMN}`,
  unleased: `case when to_regprocedure('cloudphoenix.lease_remaining_ms()') is not null
                  then -1 end as ${LEASE_COLUMN}`,
} as const;

/** Makes both texts of a write from one. @param text - gets the SQL of the lease column */
export function writeStatement(
  name: string,
  text: (leaseColumn: string) => string,
): WriteStatement {
  return {
    leased: { name: `${name}-leased`, text: text(LEASE_EXPRESSION.leased) },
    unleased: { name, text: text(LEASE_EXPRESSION.unleased) },
  };
}

/** A row that says what was left of the lease when it was made. */
export interface LeasedRow {
  readonly lease_remaining_ms: number | null;
}

export class FencedWrites {
  readonly #database: Database;
  readonly #now: (() => number) | undefined;
  #leased = true;

  /** @param now - a monotonic clock in milliseconds */
  constructor(database: Database, now?: () => number) {
    this.#database = database;
    this.#now = now;
  }

  /**
   * Runs `work` in a transaction and returns only if its commit was answered within the lease.
   * Costs no round trip over a plain transaction: the lease comes with `begin`.
   * @throws {WriteUncertainError} if it was answered too late, {ReadOnlyError} if writes are closed;
   *   else like `Database.withTransaction`
   */
  async transaction<T>(
    work: (transaction: Connection) => Promise<T>,
    options: Omit<TransactionOptions, "opening"> = {},
  ): Promise<T> {
    let pending = new PendingWrite(this.#now);
    let begun = false;
    let leased = this.#leased;
    const opening: TransactionOpening = {
      sending: () => {
        pending = new PendingWrite(this.#now);
        leased = this.#leased;
        return `select ${leased ? LEASE_EXPRESSION.leased : LEASE_EXPRESSION.unleased}`;
      },
      answered: (row) => {
        begun = true;
        pending.leaseSaid(this.#heard(leaseOf(row)));
      },
    };
    try {
      const answer = await this.#database.withTransaction(work, { ...options, opening });
      pending.confirm();
      return answer;
    } catch (error) {
      // As it was when this one began: another write may have found it out meanwhile.
      if (begun || !leased || !isMissingObject(error)) throw error;
      this.#leased = false;
      return this.transaction(work, options);
    }
  }

  /**
   * Runs a write that is one statement and so one round trip and one transaction; its rows.
   * It must return at least one row, whose `lease_remaining_ms` is what was left of the lease.
   * @throws like `transaction`
   */
  async statement<Row extends LeasedRow>(
    connection: Connection,
    write: WriteStatement,
    values: readonly unknown[],
  ): Promise<readonly Row[]> {
    const pending = new PendingWrite(this.#now);
    const leased = this.#leased;
    try {
      const statement = leased ? write.leased : write.unleased;
      const rows = await connection.query<Row>({ ...statement, values });
      pending.leaseSaid(this.#heard(rows[0]?.lease_remaining_ms ?? null));
      pending.confirm();
      return rows;
    } catch (error) {
      if (!leased || !isMissingObject(error) || (await hasLease(connection))) throw error;
      this.#leased = false;
      return this.statement(connection, write, values);
    }
  }

  /** What a reply says of the lease, and whether to ask for it differently from now on. */
  #heard(remainingMs: number | null): number | null {
    if (!this.#leased && remainingMs !== null) this.#leased = true;
    return remainingMs;
  }
}

function leaseOf(row: object | undefined): number | null {
  if (row === undefined || !(LEASE_COLUMN in row)) return null;
  return typeof row.lease_remaining_ms === "number" ? row.lease_remaining_ms : null;
}

/** Whether the lease can be asked for: something else was missing then. */
async function hasLease(connection: Connection): Promise<boolean> {
  const [row] = await connection.query<{ readonly present: boolean }>({
    text: "select to_regprocedure('cloudphoenix.lease_remaining_ms()') is not null as present",
  });
  return row?.present === true;
}
