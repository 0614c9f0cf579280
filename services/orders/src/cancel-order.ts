/** Cancels an order that nobody has fulfilled. */
import {
  type Database,
  type FencedWrites,
  type LeasedRow,
  type SiteWatch,
  type UseOptions,
  writeStatement,
} from "@cloudphoenix/chassis";
import { confirmedBySync, passed, positionToPass } from "./durable-commit.ts";
import type { DurabilityBarrier } from "./durability-barrier.ts";
import { orderNotCancellable, orderNotFound } from "./failures.ts";
import type { Order } from "./order.ts";
import { columnsOf, orderOf, type OrderRow } from "./order-row.ts";

/** What cancelling stands on. */
export interface CancelParts {
  readonly database: Pick<Database, "withConnection">;
  readonly writes: Pick<FencedWrites, "statement">;
  readonly watch: Pick<SiteWatch, "observe">;
  readonly barrier: DurabilityBarrier;
}

/** Columns of the order are null if there is none. */
type CancelRow = LeasedRow & { readonly [K in keyof OrderRow]: OrderRow[K] | null };

/** Answers the order as it is then, changed or not. */
const CANCEL = writeStatement(
  "cancel",
  (leaseColumn) => `
    with changed as (
      update public.orders o set status = 'cancelled', status_changed_at = clock_timestamp()
      where o.id = $1 and o.status = 'placed'
      returning ${columnsOf("o")}
    ), known as (
      select * from changed
      union all
      select ${columnsOf("o")} from public.orders o
      where o.id = $1 and not exists (select 1 from changed)
    )
    select ${columnsOf("known")}, ${leaseColumn} from (select 1) one left join known on true`,
);

/**
 * The cancelled order. Cancelling again is success, and as safe as the site's durability asks.
 * @throws {ServiceError} `ORDER_NOT_FOUND`, `ORDER_NOT_CANCELLABLE` if it is fulfilled or set aside;
 *   else like placing an order
 */
export async function cancelOrder(
  parts: CancelParts,
  id: string,
  options: UseOptions = {},
): Promise<Order> {
  const { record } = await parts.watch.observe();
  const { order, position } = await parts.database.withConnection(async (connection) => {
    for (;;) {
      const [row] = await confirmedBySync(connection, () =>
        parts.writes.statement<CancelRow>(connection, CANCEL, [id]),
      );
      if (row === undefined || !isComplete(row)) throw orderNotFound();
      // Somebody else decided about it while the statement waited: it still shows how it was before.
      if (row.status === "placed") continue;
      if (row.status !== "cancelled") throw orderNotCancellable(row.status);
      const durability = record?.durability ?? null;
      return { order: orderOf(row), position: await positionToPass(connection, durability) };
    }
  }, options);
  await passed(parts.barrier, position, options.deadline);
  return order;
}

function isComplete(row: CancelRow): row is CancelRow & OrderRow {
  return row.id !== null;
}
