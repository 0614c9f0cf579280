/** Orders as the table has them. */
import type { Order, OrderItem, OrderStatus } from "./order.ts";

/** A row of `public.orders`. `bigint` arrives as text. */
export interface OrderRow {
  readonly id: string;
  readonly number: string;
  readonly customer: string;
  readonly items: readonly OrderItem[];
  readonly note: string | null;
  readonly status: OrderStatus;
  readonly created_at: Date;
}

/** The columns of a row, read from `table`. */
export function columnsOf(table: string): string {
  const names = ["id", "number", "customer", "items", "note", "status", "created_at"];
  return names.map((name) => `${table}.${name}`).join(", ");
}

/** The order a row holds. */
export function orderOf(row: OrderRow): Order {
  return {
    id: row.id,
    number: row.number,
    customer: row.customer,
    items: row.items,
    note: row.note,
    status: row.status,
    createdAt: row.created_at.toISOString(),
  };
}
