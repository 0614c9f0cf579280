/** `POST /orders`, `GET /orders/:id`, `GET /orders`, `POST /orders/:id/cancel`. */
import type { Database } from "@cloudphoenix/chassis";
import type { FastifyPluginCallbackZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { cancelOrder, type CancelParts } from "./cancel-order.ts";
import { orderNotFound } from "./failures.ts";
import { orderDraftSchema, type OrderWithReceipt } from "./order.ts";
import { listOrders } from "./order-list.ts";
import type { OrderMetrics } from "./order-metrics.ts";
import {
  cursorOf,
  findOrdersSchema,
  orderPageSchema,
  orderParamsSchema,
  orderSchema,
  orderWithReceiptSchema,
  placedOrderSchema,
  placeHeadersSchema,
} from "./order-schemas.ts";
import type { OrderStore } from "./order-store.ts";

/** What the routes stand on. */
export interface OrderRouteOptions {
  readonly store: OrderStore;
  readonly database: Pick<Database, "query">;
  readonly cancelling: CancelParts;
  readonly metrics: OrderMetrics;
}

export const orderRoutes: FastifyPluginCallbackZod<OrderRouteOptions> = (app, options, done) => {
  const { store, database, cancelling, metrics } = options;

  app.post(
    "/orders",
    {
      schema: {
        summary: "Place an order; the same key makes the same order",
        headers: placeHeadersSchema,
        body: orderDraftSchema,
        response: { 200: placedOrderSchema, 201: placedOrderSchema },
      },
    },
    async ({ headers, body, deadline }, reply) => {
      const placement = await store.place(headers["idempotency-key"], body, { deadline });
      metrics.orderPlaced(placement.replayed ? "replayed" : "created");
      if (placement.replayed) reply.header("idempotency-replayed", "true");
      reply.code(placement.replayed ? 200 : 201);
      const { order, site, generation } = placement;
      return { ...order, site, generation };
    },
  );

  app.get(
    "/orders/:id",
    { schema: { params: orderParamsSchema, response: { 200: orderWithReceiptSchema } } },
    async ({ params, deadline }) => found(await store.findById(params.id, { deadline })),
  );

  app.get(
    "/orders",
    {
      schema: {
        summary: "Orders, newest first; or the one order an idempotency key has made",
        querystring: findOrdersSchema,
        response: { 200: z.union([orderPageSchema, orderWithReceiptSchema]) },
      },
    },
    async ({ query, deadline }) => {
      if (query.key !== undefined) return found(await store.findByKey(query.key, { deadline }));
      const { limit, after = null, customer = null } = query;
      const page = await listOrders(database, { limit, before: after, customer }, { deadline });
      const next = page.last === null ? null : cursorOf(page.last);
      return { orders: page.orders, next };
    },
  );

  app.post(
    "/orders/:id/cancel",
    {
      schema: {
        summary: "Cancel an order that is not fulfilled; again is success",
        params: orderParamsSchema,
        response: { 200: orderSchema },
      },
    },
    ({ params, deadline }) => cancelOrder(cancelling, params.id, { deadline }),
  );

  done();
};

function found(order: OrderWithReceipt | null): OrderWithReceipt {
  if (order === null) throw orderNotFound();
  return order;
}
