/**
 * The receipt of an order: what was ordered, by whom, when. Nothing in it ever changes, so that
 * writing it again, here or at the site that took over, makes the same bytes.
 */
import type { OrderItem } from "../order.ts";

/** A receipt's order as the queue hands it out. */
export interface ReceiptOrder {
  readonly id: string;
  readonly number: string;
  readonly customer: string;
  readonly items: readonly OrderItem[];
  readonly createdAt: Date;
}

export const RECEIPT_TYPE = "application/json; charset=utf-8";

/** The document's bytes. The order of the fields is part of the promise. */
export function receiptBytes({ id, number, customer, items, createdAt }: ReceiptOrder): Uint8Array {
  const document = {
    receipt: 1,
    orderId: id,
    number,
    customer,
    items: items.map(({ sku, quantity }) => ({ sku, quantity })),
    placedAt: createdAt.toISOString(),
  };
  return new TextEncoder().encode(`${JSON.stringify(document)}\n`);
}
