/**
 * The orders that wait, as a queue in the table they live in.
 *
 * 1. Taking an order counts the attempt and hides it for a while, in one committed statement. An
 *    order that ends the process is counted, too, and does not come back for ever. Those that were
 *    taken with it come back as well; so whatever comes back is taken alone, and what ends the
 *    process again ends it for itself.
 * 2. The count is the token of whoever took it: what comes from an earlier attempt, late, from a
 *    process that was frozen meanwhile, changes nothing.
 * 3. An order becomes fulfilled in the same transaction as its parcels are stored. That is the
 *    effect, and it happens once, whatever is repeated.
 * 4. Nothing is told as done unless its commit was answered within the lease of this site.
 */
import type { Connection, Database, FencedWrites } from "@cloudphoenix/chassis";
import type { Parcel, TakenOrder } from "./order.ts";

/** What came of the work on one order. */
export type WorkResult =
  | { readonly kind: "packed"; readonly order: TakenOrder; readonly parcels: readonly Parcel[] }
  | { readonly kind: "again"; readonly order: TakenOrder; readonly afterMs: number }
  | { readonly kind: "set-aside"; readonly order: TakenOrder; readonly reason: string };

/** An order nobody can fulfil as it is, for a person to look at. */
export interface SetAsideOrder {
  readonly id: string;
  readonly number: string;
  readonly attempts: number;
  readonly reason: string;
  /** ISO 8601, UTC. */
  readonly since: string;
}

interface TakenRow {
  readonly id: string;
  readonly number: string;
  readonly items: TakenOrder["items"];
  readonly attempts: number;
}

const DUE = "status = 'placed' and (not_before is null or not_before <= clock_timestamp())";

const TAKE = {
  name: "queue-take",
  text: `
    with first as (
      select id, attempts from public.orders where ${DUE} order by id limit 1 for update skip locked
    ), fresh as (
      select id from public.orders
      where ${DUE} and attempts = 0 and (select attempts from first) = 0
      order by id
      limit $1
      for update skip locked
    )
    update public.orders
    set attempts = attempts + 1, not_before = clock_timestamp() + make_interval(secs => $2)
    where id in (select id from first union select id from fresh)
    returning orders.id, orders.number, orders.items, orders.attempts`,
};

const FINISH = {
  name: "queue-finish",
  text: `
    with result as (
      select * from jsonb_to_recordset($1::jsonb)
        as r(id bigint, attempts int, number text, parcels jsonb)
    ), done as (
      update public.orders
      set status = 'fulfilled', status_changed_at = clock_timestamp(), not_before = null
      from result
      where orders.id = result.id and orders.attempts = result.attempts and orders.status = 'placed'
      returning orders.id
    )
    insert into public.fulfilments (order_id, parcels)
    select result.id, result.parcels from result join done on done.id = result.id
    returning order_id`,
};

const POSTPONE = {
  name: "queue-postpone",
  text: `
    update public.orders
    set not_before = clock_timestamp() + make_interval(secs => result.seconds)
    from jsonb_to_recordset($1::jsonb) as result(id bigint, attempts int, seconds float8)
    where orders.id = result.id and orders.attempts = result.attempts and orders.status = 'placed'
    returning orders.id`,
};

const SET_ASIDE = {
  name: "queue-set-aside",
  text: `
    update public.orders
    set status = 'set_aside', set_aside_reason = result.reason,
        status_changed_at = clock_timestamp(), not_before = null
    from jsonb_to_recordset($1::jsonb) as result(id bigint, attempts int, reason text)
    where orders.id = result.id and orders.attempts = result.attempts and orders.status = 'placed'
    returning orders.id`,
};

export class OrderQueue {
  readonly #database: Pick<Database, "query">;
  readonly #writes: Pick<FencedWrites, "transaction">;

  constructor(database: Pick<Database, "query">, writes: Pick<FencedWrites, "transaction">) {
    this.#database = database;
    this.#writes = writes;
  }

  /**
   * Takes the oldest order that is due: alone if it was taken before, else with others that never
   * were, up to `limit` in all. They come back by themselves after `hiddenMs` unless something was
   * said of them.
   * @throws {ServiceError} `READ_ONLY` where this site may not write; else what the database says
   */
  async take(limit: number, hiddenMs: number): Promise<readonly TakenOrder[]> {
    const rows = await this.#writes.transaction((transaction) =>
      transaction.query<TakenRow>({ ...TAKE, values: [limit, hiddenMs / 1_000] }),
    );
    return rows.toSorted((one, other) => (BigInt(one.id) < BigInt(other.id) ? -1 : 1));
  }

  /**
   * Stores what came of orders; the ids that it was still up to us to decide. The others were
   * cancelled, or taken by somebody else after their time was over.
   * @throws {ServiceError} like `take`; then nothing, or all of it, is stored
   */
  async settle(results: readonly WorkResult[]): Promise<ReadonlySet<string>> {
    if (results.length === 0) return new Set();
    return this.#writes.transaction(async (transaction) => {
      const packed = results.flatMap((each) => (each.kind === "packed" ? [finished(each)] : []));
      const again = results.flatMap((each) =>
        each.kind === "again" ? [{ ...token(each.order), seconds: each.afterMs / 1_000 }] : [],
      );
      const aside = results.flatMap((each) =>
        each.kind === "set-aside" ? [{ ...token(each.order), reason: each.reason }] : [],
      );
      return new Set([
        ...(await idsOf(transaction, FINISH, packed)),
        ...(await idsOf(transaction, POSTPONE, again)),
        ...(await idsOf(transaction, SET_ASIDE, aside)),
      ]);
    });
  }

  /** The newest of the orders that were set aside. */
  async setAside(limit: number): Promise<readonly SetAsideOrder[]> {
    return this.#database.query<SetAsideOrder>({
      name: "queue-list-set-aside",
      text: `
        select id::text, number, attempts, coalesce(set_aside_reason, '') as reason,
               to_char(status_changed_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as since
        from public.orders where status = 'set_aside' order by id desc limit $1`,
      values: [limit],
    });
  }

  /**
   * Gives an order that was set aside another chance, with its attempts forgotten. False if it is
   * not set aside (any more).
   */
  async release(id: string): Promise<boolean> {
    const rows = await this.#writes.transaction((transaction) =>
      transaction.query({
        name: "queue-release",
        text: `update public.orders
               set status = 'placed', set_aside_reason = null, attempts = 0,
                   status_changed_at = clock_timestamp(), not_before = null
               where id = $1 and status = 'set_aside' returning 1`,
        values: [id],
      }),
    );
    return rows.length === 1;
  }
}

function token({ id, attempts }: TakenOrder): { readonly id: string; readonly attempts: number } {
  return { id, attempts };
}

function finished({
  order,
  parcels,
}: Extract<WorkResult, { kind: "packed" }>): Record<string, unknown> {
  return { ...token(order), number: order.number, parcels };
}

/** Runs a statement that takes its rows as one JSON value, unless there are none; the ids it says. */
async function idsOf(
  transaction: Connection,
  statement: { readonly name: string; readonly text: string },
  rows: readonly object[],
): Promise<readonly string[]> {
  if (rows.length === 0) return [];
  const answered = await transaction.query<{ readonly id?: string; readonly order_id?: string }>({
    ...statement,
    values: [JSON.stringify(rows)],
  });
  return answered.map((row) => String(row.id ?? row.order_id));
}
