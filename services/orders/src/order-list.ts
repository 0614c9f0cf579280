/**
 * Orders, newest first, a page at a time. A page begins where the last one ended, by key and not by
 * number of rows: orders placed meanwhile neither repeat nor hide any, and the last page costs as
 * little as the first.
 */
import type { Database, UseOptions } from "@cloudphoenix/chassis";
import type { Order } from "./order.ts";
import { columnsOf, orderOf, type OrderRow } from "./order-row.ts";

/** Which orders. */
export interface OrderPageRequest {
  /** 1 to 100. */
  readonly limit: number;
  /** Only older ones than this id; null: from the newest. */
  readonly before: string | null;
  /** Only of this customer; null: of all. */
  readonly customer: string | null;
}

/** A page, and where the next one begins. */
export interface OrderPage {
  readonly orders: readonly Order[];
  /** Id of the last order here if there are older ones, else null. */
  readonly last: string | null;
}

const NEWEST = "9223372036854775807";

/** @throws {ServiceError} what the database says */
export async function listOrders(
  database: Pick<Database, "query">,
  request: OrderPageRequest,
  options: UseOptions = {},
): Promise<OrderPage> {
  const { limit, before, customer } = request;
  const values = [before ?? NEWEST, limit + 1];
  const rows = await database.query<OrderRow>(
    customer === null
      ? { name: "orders-page", text: pageOf(""), values }
      : {
          name: "orders-of-customer",
          text: pageOf("and o.customer = $3"),
          values: [...values, customer],
        },
    { ...options, idempotent: true },
  );
  const orders = rows.slice(0, limit).map(orderOf);
  return { orders, last: rows.length > limit ? (orders.at(-1)?.id ?? null) : null };
}

function pageOf(condition: string): string {
  return `select ${columnsOf("o")} from public.orders o
    where o.id < $1 ${condition} order by o.id desc limit $2`;
}
