/** What the API takes and answers; the OpenAPI document is made from these. */
import { cleanText, idempotencyKey } from "@cloudphoenix/chassis";
import { z } from "zod";
import {
  type Order,
  ORDER_STATUSES,
  orderIdSchema,
  type OrderWithReceipt,
  RECEIPT_STATUSES,
} from "./order.ts";

/** A stored order and who acknowledged it. */
export interface PlacedOrder extends Order {
  readonly site: string;
  readonly generation: number;
}

/** Orders, newest first. */
export interface OrderPageAnswer {
  readonly orders: readonly Order[];
  readonly next: string | null;
}

/** What is asked of `GET /orders`; `after` is the id a page begins behind. */
export interface FindOrders {
  readonly key?: string | undefined;
  readonly limit: number;
  readonly after?: string | undefined;
  readonly customer?: string | undefined;
}

export const orderSchema: z.ZodType<Order, Order> = orderObject().meta({ id: "Order" });

export const orderWithReceiptSchema: z.ZodType<OrderWithReceipt, OrderWithReceipt> = orderObject()
  .extend({
    receipt: z
      .enum(RECEIPT_STATUSES)
      .describe("`stored`: `/orders/{id}/receipt` has it, or soon will at a site that took over."),
  })
  .meta({ id: "OrderWithReceipt" });

export const placedOrderSchema: z.ZodType<PlacedOrder, PlacedOrder> = orderObject()
  .extend({
    site: z.string().describe("The site that acknowledged it."),
    generation: z.int().describe("Writer epoch of that site; 0 without CloudPhoenix."),
  })
  .meta({ id: "PlacedOrder" });

export const orderPageSchema: z.ZodType<OrderPageAnswer, OrderPageAnswer> = z
  .strictObject({
    orders: z.array(orderSchema),
    next: z.string().nullable().describe("Pass it as `after` for older orders; null at the end."),
  })
  .meta({ id: "OrderPage" });

// Other headers are none of our business and pass unseen.
export const placeHeadersSchema: z.ZodType<{ readonly "idempotency-key": string }> = z.object({
  "idempotency-key": idempotencyKey,
});

export const orderParamsSchema: z.ZodType<{ readonly id: string }> = z.strictObject({
  id: orderIdSchema,
});

/** A cursor is opaque to clients, so that pages may begin by something else one day. */
const cursorSchema = z
  .string()
  .max(64)
  .transform((text, context) => {
    const id = Buffer.from(text, "base64url").toString("latin1");
    if (orderIdSchema.safeParse(id).success && cursorOf(id) === text) return id;
    context.addIssue({ code: "custom", message: "must be the `next` of a page" });
    return z.NEVER;
  });

/** One order by its idempotency key, or a page. */
export const findOrdersSchema: z.ZodType<FindOrders> = z
  .strictObject({
    key: idempotencyKey.optional().describe("Answers the one order this key has made."),
    limit: z.coerce.number().int().min(1).max(100).default(20),
    after: cursorSchema.optional(),
    customer: cleanText(200).optional(),
  })
  .refine(({ key, after, customer }) => key === undefined || (after ?? customer) === undefined, {
    message: "key goes alone",
  });

/** What `findOrdersSchema` takes for a page that begins after `id`. */
export function cursorOf(id: string): string {
  return Buffer.from(id, "latin1").toString("base64url");
}

// The return type is what the function says: naming it would repeat every field.
function orderObject() {
  return z.strictObject({
    id: z.string().describe("Decimal text: it may pass 2^53."),
    number: z.string().describe("What people call it."),
    customer: z.string(),
    items: z.array(z.strictObject({ sku: z.string(), quantity: z.int() })),
    note: z.string().nullable(),
    status: z.enum(ORDER_STATUSES),
    createdAt: z.iso.datetime(),
  });
}
