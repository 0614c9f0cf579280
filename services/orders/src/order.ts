/** Orders as clients see them, and the bounds of every field. */
import { createHash } from "node:crypto";
import { z } from "zod";

/**
 * Text PostgreSQL stores as it came: well-formed Unicode without control characters (line breaks
 * and tabs excepted). NUL and lone surrogates would be refused by the database, not by us.
 */
function text(maxLength: number): z.ZodType<string, string> {
  return z
    .string()
    .min(1)
    .max(maxLength)
    .refine((value) => value.isWellFormed() && !hasControlCharacter(value), {
      message: "must not contain control characters",
    });
}

function hasControlCharacter(value: string): boolean {
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index);
    const isLineBreakOrTab = code === 9 || code === 10 || code === 13;
    if ((code < 32 && !isLineBreakOrTab) || code === 127) return true;
  }
  return false;
}

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

/** A stored order. `id` is decimal text: it may pass 2^53. */
export interface Order {
  readonly id: string;
  readonly number: string;
  readonly customer: string;
  readonly items: readonly OrderItem[];
  readonly note: string | null;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

const itemSchema = z.strictObject({
  sku: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, "must be 1-64 of A-Z a-z 0-9 . _ -"),
  quantity: z.int().min(1).max(10_000),
});

/** Body of `POST /orders`. Unknown keys are refused: a misspelt field must not vanish silently. */
export const orderDraftSchema: z.ZodType<OrderDraft> = z.strictObject({
  customer: text(200),
  items: z.array(itemSchema).min(1).max(100),
  note: text(2000).optional(),
});

/** A key is visible ASCII: header values survive proxies unchanged only then. */
export const idempotencyKeySchema: z.ZodType<string> = z
  .string({ error: "is required" })
  .regex(/^[\x21-\x7e]{1,200}$/, "must be 1-200 visible ASCII characters");

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
