/** Orders as clients see them, and the bounds of every field. */
import { createHash } from "node:crypto";
import { cleanText } from "@cloudphoenix/chassis";
import { z } from "zod";

/** One position of an order. */
export interface OrderItem {
  readonly sku: string;
  readonly quantity: number;
}

/** What a client asks for. */
export interface OrderDraft {
  readonly customer: string;
  readonly items: readonly OrderItem[];
  readonly note?: string | undefined;
}

export const ORDER_STATUSES = ["placed", "fulfilled", "cancelled", "set_aside"] as const;

/** `set_aside`: nobody can fulfil it as it is; a person looks at it. */
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** A stored order. `id` is decimal text: it may pass 2^53. */
export interface Order {
  readonly id: string;
  readonly number: string;
  readonly customer: string;
  readonly items: readonly OrderItem[];
  readonly note: string | null;
  readonly status: OrderStatus;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

export const RECEIPT_STATUSES = ["none", "pending", "stored", "set_aside"] as const;

/** `none`: nobody promised one. `stored`: at the site that wrote it. `set_aside`: a person looks at it. */
export type ReceiptStatus = (typeof RECEIPT_STATUSES)[number];

/** A stored order, and what has become of its receipt. */
export interface OrderWithReceipt extends Order {
  readonly receipt: ReceiptStatus;
}

const itemSchema = z.strictObject({
  sku: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, "must be 1-64 of A-Z a-z 0-9 . _ -"),
  quantity: z.int().min(1).max(10_000),
});

/** Body of `POST /orders`. Unknown keys are refused: a misspelt field must not vanish silently. */
export const orderDraftSchema: z.ZodType<OrderDraft> = z.strictObject({
  customer: cleanText(200),
  items: z.array(itemSchema).min(1).max(100),
  note: cleanText(2000).optional(),
});

const BIGINT_MAX = 9_223_372_036_854_775_807n;

/** An order id: what PostgreSQL's `bigint` holds, so that no lookup fails for its range. */
export const orderIdSchema: z.ZodType<string> = z
  .string()
  .refine((value) => /^[1-9]\d{0,18}$/.test(value) && BigInt(value) <= BIGINT_MAX, {
    message: "must be a positive whole number below 2^63",
  });

/**
 * Fingerprint of a draft: equal for equal orders whatever the order of keys in the JSON was.
 * It is stored beside the idempotency key, so its form may never change.
 */
export function requestHash(draft: OrderDraft): string {
  const canonical = JSON.stringify([
    draft.customer,
    draft.items.map((item) => [item.sku, item.quantity]),
    draft.note ?? null,
  ]);
  return createHash("sha256").update(canonical).digest("hex");
}
