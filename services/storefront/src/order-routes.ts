/** The page of one order. */
import type { FastifyInstance } from "fastify";
import { type OfOrder, orderId } from "./order-id.ts";
import type { Order, Site } from "./order-answers.ts";
import { callerOf, type PageParts, sendPage, sendPart } from "./page-parts.ts";
import { orderPage, orderPanel } from "./pages/order-page.ts";
import { requireSameOrigin } from "./same-origin.ts";

export function addOrderRoutes(app: FastifyInstance, parts: PageParts): void {
  const { orders, assets } = parts;

  app.get<OfOrder>("/orders/:id", async (request, reply) => {
    const order = await orders.order(orderId(request.params), callerOf(request));
    const content = orderPage(order, await siteFor(order, parts));
    return sendPage(reply, assets, { title: `Order ${order.number}`, content });
  });

  app.get<OfOrder>("/orders/:id/state", async (request, reply) => {
    const order = await orders.order(orderId(request.params), callerOf(request));
    return sendPart(reply, orderPanel(order, await siteFor(order, parts)));
  });

  app.post<OfOrder>("/orders/:id/cancel", async (request, reply) => {
    requireSameOrigin(request);
    const id = orderId(request.params);
    await orders.cancel(id, callerOf(request));
    return reply.redirect(`/orders/${id}`, 303);
  });
}

/** Asked only while a receipt waits: then it says what for. */
async function siteFor(order: Order, { view }: PageParts): Promise<Site | null> {
  return order.receipt === "pending" ? view.now() : null;
}
