/** The page of one order. */
import { NotFoundError } from "@cloudphoenix/chassis";
import type { FastifyInstance } from "fastify";
import { callerOf, type PageParts, sendPage, sendPart } from "./page-parts.ts";
import { orderPage, orderPanel } from "./pages/order-page.ts";
import { requireSameOrigin } from "./same-origin.ts";

const ORDER_ID = /^[1-9]\d{0,18}$/;

interface OfOrder {
  readonly Params: { readonly id: string };
}

export function addOrderRoutes(app: FastifyInstance, { orders, assets }: PageParts): void {
  app.get<OfOrder>("/orders/:id", async (request, reply) => {
    const order = await orders.order(orderId(request.params), callerOf(request));
    return sendPage(reply, assets, { title: `Order ${order.number}`, content: orderPage(order) });
  });

  app.get<OfOrder>("/orders/:id/state", async (request, reply) => {
    const order = await orders.order(orderId(request.params), callerOf(request));
    return sendPart(reply, orderPanel(order));
  });

  app.post<OfOrder>("/orders/:id/cancel", async (request, reply) => {
    requireSameOrigin(request);
    const id = orderId(request.params);
    await orders.cancel(id, callerOf(request));
    return reply.redirect(`/orders/${id}`, 303);
  });
}

/** @throws {NotFoundError} if there can be no such order */
function orderId({ id }: OfOrder["Params"]): string {
  if (ORDER_ID.test(id)) return id;
  throw new NotFoundError("There is no such order.");
}
