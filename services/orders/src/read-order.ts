/** What one order is read with: its row, and what has become of its receipt. */
import type { OrderWithReceipt, ReceiptStatus } from "./order.ts";
import { columnsOf, orderOf, type OrderRow } from "./order-row.ts";

/** A row of `ORDER_WITH_RECEIPT`. */
export interface OrderWithReceiptRow extends OrderRow {
  readonly receipt: ReceiptStatus;
}

/** SQL: an order as `o`, to be narrowed to one. */
export const ORDER_WITH_RECEIPT: string = `
  select ${columnsOf("o")},
    case when r.order_id is null then 'none'
         when r.set_aside_reason is not null then 'set_aside'
         when r.stored_at is not null then 'stored'
         else 'pending' end as receipt
  from public.orders o left join public.receipts r on r.order_id = o.id`;

/** The order a row holds. */
export function orderWithReceiptOf(row: OrderWithReceiptRow): OrderWithReceipt {
  return { ...orderOf(row), receipt: row.receipt };
}
