/**
 * Receipts that are to be written, as a queue in the table they are promised in.
 *
 * 1. `due_at` is set while there is something to do. Taking a receipt counts the attempt and moves
 *    `due_at` into the future, in one committed statement: if the process dies, it comes back.
 * 2. The count is the token of whoever took it: what comes late from an earlier attempt changes
 *    nothing. (Attempts that an outage ended are given back; two of one number then say the same.)
 * 3. `stored_at` is set only after a store acknowledged the object, and never taken back: it is what
 *    was promised. `stored_site` is the site whose store had it last.
 */
import type { Connection, Database, FencedWrites } from "@cloudphoenix/chassis";
import type { OrderItem } from "../order.ts";
import type { ReceiptOrder } from "./receipt.ts";

/** A receipt this process has taken. */
export interface TakenReceipt {
  readonly orderId: string;
  readonly objectKey: string;
  /** From 1. */
  readonly attempts: number;
  /** A store had acknowledged it before: it is looked for at this site. */
  readonly again: boolean;
  /** Null: there is no such order, which cannot be. */
  readonly order: ReceiptOrder | null;
}

/** What came of the work on one receipt. */
export type ReceiptResult =
  | {
      readonly kind: "stored";
      readonly receipt: TakenReceipt;
      readonly etag: string;
      /** It was there before. */
      readonly found: boolean;
    }
  | {
      readonly kind: "later";
      readonly receipt: TakenReceipt;
      readonly afterMs: number;
      /** Whether the attempt counts: not if the store failed for all. */
      readonly counted: boolean;
      readonly error: unknown;
    }
  | { readonly kind: "set-aside"; readonly receipt: TakenReceipt; readonly reason: string };

/** A receipt that cannot be written as it is, for a person to look at. */
export interface SetAsideReceipt {
  readonly orderId: string;
  readonly objectKey: string;
  readonly reason: string;
}

interface TakenRow {
  readonly order_id: string;
  readonly object_key: string;
  readonly attempts: number;
  readonly again: boolean;
  readonly number: string | null;
  readonly customer: string | null;
  readonly items: readonly OrderItem[] | null;
  readonly created_at: Date | null;
}

const TAKE = {
  name: "receipts-take",
  text: `
    with due as (
      select order_id from public.receipts where due_at <= now()
      order by due_at limit $1 for update skip locked
    ), taken as (
      update public.receipts r
      set attempts = r.attempts + 1, due_at = now() + make_interval(secs => $2)
      from due where r.order_id = due.order_id
      returning r.order_id, r.object_key, r.attempts, r.stored_at is not null as again
    )
    select taken.*, o.number, o.customer, o.items, o.created_at
    from taken left join public.orders o on o.id = taken.order_id`,
};

const RESULT = "jsonb_to_recordset($1::jsonb) as result";

const STORED = {
  name: "receipts-stored",
  text: `
    update public.receipts r
    set due_at = null, stored_at = coalesce(r.stored_at, clock_timestamp()), stored_site = $2,
        etag = result.etag, set_aside_reason = null
    from ${RESULT}(id bigint, attempts int, etag text)
    where r.order_id = result.id and r.attempts = result.attempts and r.due_at is not null`,
};

const LATER = {
  name: "receipts-later",
  text: `
    update public.receipts r
    set due_at = now() + make_interval(secs => result.seconds),
        attempts = case when result.counted then r.attempts else r.attempts - 1 end
    from ${RESULT}(id bigint, attempts int, seconds float8, counted bool)
    where r.order_id = result.id and r.attempts = result.attempts and r.due_at is not null`,
};

const SET_ASIDE = {
  name: "receipts-set-aside",
  text: `
    update public.receipts r set due_at = null, set_aside_reason = result.reason
    from ${RESULT}(id bigint, attempts int, reason text)
    where r.order_id = result.id and r.attempts = result.attempts and r.due_at is not null`,
};

const AGAIN = {
  name: "receipts-again",
  text: `update public.receipts set due_at = now(), attempts = 0
         where order_id = $1 and due_at is null and set_aside_reason is null`,
};

export class ReceiptQueue {
  readonly #database: Pick<Database, "query">;
  readonly #writes: Pick<FencedWrites, "transaction">;

  constructor(database: Pick<Database, "query">, writes: Pick<FencedWrites, "transaction">) {
    this.#database = database;
    this.#writes = writes;
  }

  /**
   * Takes up to `limit` receipts that are due. They come back by themselves after `hiddenMs` unless
   * something was said of them.
   * @throws {ServiceError} `READ_ONLY` where this site may not write; else what the database says
   */
  async take(limit: number, hiddenMs: number): Promise<readonly TakenReceipt[]> {
    const rows = await this.#writes.transaction((transaction) =>
      transaction.query<TakenRow>({ ...TAKE, values: [limit, hiddenMs / 1_000] }),
    );
    return rows.map(takenOf);
  }

  /**
   * Stores what came of receipts.
   * @param site - whose store acknowledged them
   * @throws {ServiceError} like `take`; then nothing, or all of it, is stored
   */
  async settle(results: readonly ReceiptResult[], site: string): Promise<void> {
    const rows = rowsOf(results);
    await this.#writes.transaction(async (transaction) => {
      await tell(transaction, STORED, rows.stored, [site]);
      await tell(transaction, LATER, rows.later);
      await tell(transaction, SET_ASIDE, rows.setAside);
    });
  }

  /** Has a receipt that was stored written again if it is missing. @throws like `take` */
  async again(orderId: string): Promise<void> {
    await this.#writes.transaction((transaction) =>
      transaction.query({ ...AGAIN, values: [orderId] }),
    );
  }

  /** The newest of the receipts that were set aside. */
  setAside(limit: number): Promise<readonly SetAsideReceipt[]> {
    return this.#database.query<SetAsideReceipt>(
      {
        name: "receipts-list-set-aside",
        text: `
          select order_id::text as "orderId", object_key as "objectKey", set_aside_reason as reason
          from public.receipts where set_aside_reason is not null order by order_id desc limit $1`,
        values: [limit],
      },
      { idempotent: true },
    );
  }
}

function takenOf(row: TakenRow): TakenReceipt {
  const { order_id: orderId, object_key: objectKey, attempts, again } = row;
  const { number, customer, items, created_at: createdAt } = row;
  const complete = number !== null && customer !== null && items !== null && createdAt !== null;
  const order = complete ? { id: orderId, number, customer, items, createdAt } : null;
  return { orderId, objectKey, attempts, again, order };
}

interface ResultRows {
  readonly stored: object[];
  readonly later: object[];
  readonly setAside: object[];
}

function rowsOf(results: readonly ReceiptResult[]): ResultRows {
  const rows: ResultRows = { stored: [], later: [], setAside: [] };
  for (const result of results) {
    const token = { id: result.receipt.orderId, attempts: result.receipt.attempts };
    switch (result.kind) {
      case "stored":
        rows.stored.push({ ...token, etag: result.etag });
        break;
      case "later":
        rows.later.push({ ...token, seconds: result.afterMs / 1_000, counted: result.counted });
        break;
      case "set-aside":
        rows.setAside.push({ ...token, reason: result.reason });
    }
  }
  return rows;
}

/** Runs a statement that takes its rows as one JSON value, unless there are none. */
async function tell(
  transaction: Connection,
  statement: { readonly name: string; readonly text: string },
  rows: readonly object[],
  more: readonly unknown[] = [],
): Promise<void> {
  if (rows.length === 0) return;
  await transaction.query({ ...statement, values: [JSON.stringify(rows), ...more] });
}
