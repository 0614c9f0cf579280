/** The page of one order. */
import { Deadline, NotFoundError } from "@cloudphoenix/chassis";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Order, ReceiptAnswer } from "./order-answers.ts";
import type { OrdersApi } from "./orders-api.ts";
import { callerOf, type PageParts, sendPage, sendPart } from "./page-parts.ts";
import { orderPage, orderPanel } from "./pages/order-page.ts";
import { pendingReceiptPage, receiptPage } from "./pages/receipt-page.ts";
import { requireSameOrigin } from "./same-origin.ts";

const ORDER_ID = /^[1-9]\d{0,18}$/;

interface OfOrder {
  readonly Params: { readonly id: string };
}

export function addOrderRoutes(app: FastifyInstance, { orders, assets }: PageParts): void {
  app.get<OfOrder>("/orders/:id", async (request, reply) => {
    const { order, receipt } = await orderWithReceipt(orders, request);
    const content = orderPage(order, receipt);
    return sendPage(reply, assets, { title: `Order ${order.number}`, content });
  });

  app.get<OfOrder>("/orders/:id/state", async (request, reply) => {
    const { order, receipt } = await orderWithReceipt(orders, request);
    return sendPart(reply, orderPanel(order, receipt));
  });

  app.get<OfOrder>("/orders/:id/receipt", async (request, reply) => {
    const answer = await orders.receipt(orderId(request.params), callerOf(request));
    if (answer.kind === "none") throw new NotFoundError("There is no receipt of this order.");
    if (answer.kind === "pending") reply.code(202).header("retry-after", "1");
    const content = answer.kind === "stored" ? receiptPage(answer.receipt) : pendingReceiptPage();
    return sendPage(reply, assets, { title: "Receipt", content });
  });

  app.post<OfOrder>("/orders/:id/cancel", async (request, reply) => {
    requireSameOrigin(request);
    const id = orderId(request.params);
    await orders.cancel(id, callerOf(request));
    return reply.redirect(`/orders/${id}`, 303);
  });
}

/** The order does not wait longer for its receipt; without an answer nothing is said of one. */
const RECEIPT_WAIT_MS = 1_000;

async function orderWithReceipt(
  orders: OrdersApi,
  request: FastifyRequest<OfOrder>,
): Promise<{ readonly order: Order; readonly receipt: ReceiptAnswer }> {
  const id = orderId(request.params);
  const caller = callerOf(request);
  const deadline = Deadline.after(Math.min(RECEIPT_WAIT_MS, caller.deadline.remainingMs()));
  const asked = orders.receipt(id, { ...caller, deadline });
  try {
    const [order, receipt] = await Promise.all([
      orders.order(id, caller),
      asked.catch((): ReceiptAnswer => ({ kind: "none" })),
    ]);
    return { order, receipt };
  } finally {
    deadline.release();
  }
}

/** @throws {NotFoundError} if there can be no such order */
function orderId({ id }: OfOrder["Params"]): string {
  if (ORDER_ID.test(id)) return id;
  throw new NotFoundError("There is no such order.");
}
