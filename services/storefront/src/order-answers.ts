/** What the orders service answers, as far as the pages need it; it may say more. */
import type { SiteRecord } from "@cloudphoenix/chassis";
import { z } from "zod";

/** A stored order. */
export interface Order {
  readonly id: string;
  /** What people call it. */
  readonly number: string;
  readonly items: readonly { readonly sku: string; readonly quantity: number }[];
  readonly status: "placed" | "fulfilled" | "cancelled" | "set_aside";
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** Not said in lists. */
  readonly receipt?: "none" | "pending" | "stored" | "set_aside" | undefined;
}

/** What an order's receipt says. */
export interface Receipt {
  readonly orderId: string;
  readonly number: string;
  readonly customer: string;
  readonly items: Order["items"];
  /** ISO 8601, UTC. */
  readonly placedAt: string;
}

/** Orders, newest first; `next` leads to older ones. */
export interface OrderPage {
  readonly orders: readonly Order[];
  readonly next: string | null;
}

/** How the site is that serves the caller. */
export interface Site {
  readonly site: string;
  readonly cloud: string;
  readonly region: string;
  /** `unknown` while its database does not answer. */
  readonly role: SiteRecord["role"] | "unknown";
  /** Writer epoch; 0 without CloudPhoenix. */
  readonly generation: number;
  readonly writesOpen: boolean;
  /** Null: no lease is in force. */
  readonly leaseRemainingMs: number | null;
  readonly durability: SiteRecord["durability"] | "unknown";
  readonly status: "healthy" | "degraded" | "unhealthy";
  readonly dependencies: readonly {
    readonly name: string;
    readonly status: "healthy" | "degraded" | "unhealthy";
    readonly responseMs: number;
    readonly error?: string | undefined;
  }[];
}

const items = z.array(z.object({ sku: z.string(), quantity: z.number() }));
const health = z.enum(["healthy", "degraded", "unhealthy"]);

export const orderAnswer: z.ZodType<Order> = z.object({
  id: z.string(),
  number: z.string(),
  items,
  status: z.enum(["placed", "fulfilled", "cancelled", "set_aside"]),
  createdAt: z.iso.datetime(),
  receipt: z.enum(["none", "pending", "stored", "set_aside"]).optional(),
});

export const receiptAnswer: z.ZodType<Receipt> = z.object({
  orderId: z.string(),
  number: z.string(),
  customer: z.string(),
  items,
  placedAt: z.iso.datetime(),
});

export const orderPageAnswer: z.ZodType<OrderPage> = z.object({
  orders: z.array(orderAnswer),
  next: z.string().nullable(),
});

export const siteAnswer: z.ZodType<Site> = z.object({
  site: z.string(),
  cloud: z.string(),
  region: z.string(),
  role: z.enum(["active", "standby", "fenced", "unprepared", "unknown"]),
  generation: z.number(),
  writesOpen: z.boolean(),
  leaseRemainingMs: z.number().nullable(),
  durability: z.enum(["async", "barrier", "sync", "unknown"]),
  status: health,
  dependencies: z.array(
    z.object({
      name: z.string(),
      status: health,
      responseMs: z.number(),
      error: z.string().optional(),
    }),
  ),
});

/** An error answer (RFC 9457). */
export const problemAnswer: z.ZodType<{
  readonly code: string;
  readonly title: string;
  readonly detail: string;
}> = z.object({ code: z.string(), title: z.string(), detail: z.string() });
