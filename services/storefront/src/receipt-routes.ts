/** The receipt of an order: to read, to print, to keep. */
import type { FastifyInstance, FastifyReply } from "fastify";
import { type OfOrder, orderId } from "./order-id.ts";
import type { StoredReceipt } from "./orders-api.ts";
import { callerOf, type PageParts, sendPage, sendPart } from "./page-parts.ts";
import { receiptPage, receiptPanel, receiptPath } from "./pages/receipt-page.ts";

const LOOK_AGAIN_AFTER_SECONDS = 2;

export function addReceiptRoutes(app: FastifyInstance, { orders, assets }: PageParts): void {
  app.get<OfOrder>("/orders/:id/receipt", async (request, reply) => {
    const id = orderId(request.params);
    const stored = await orders.receipt(id, callerOf(request));
    const title = stored === null ? "Receipt" : `Receipt ${stored.receipt.number}`;
    const content = receiptPage(id, stored?.receipt ?? null);
    return sendPage(statusOf(stored, reply), assets, { title, content });
  });

  app.get<OfOrder>("/orders/:id/receipt/state", async (request, reply) => {
    const id = orderId(request.params);
    const stored = await orders.receipt(id, callerOf(request));
    return sendPart(statusOf(stored, reply), receiptPanel(id, stored?.receipt ?? null));
  });

  app.get<OfOrder>("/orders/:id/receipt.json", async (request, reply) => {
    const id = orderId(request.params);
    const stored = await orders.receipt(id, callerOf(request));
    // There is nothing to keep yet; the page says so.
    if (stored === null) return reply.redirect(receiptPath(id), 302);
    const name = fileName(stored.receipt.number);
    reply.header("content-disposition", `attachment; filename="${name}"`);
    return reply.type("application/json; charset=utf-8").send(stored.text);
  });
}

function statusOf(stored: StoredReceipt | null, reply: FastifyReply): FastifyReply {
  if (stored !== null) return reply;
  return reply.code(202).header("retry-after", String(LOOK_AGAIN_AFTER_SECONDS));
}

/** Only characters that mean nothing in a header or a path. */
function fileName(number: string): string {
  return `receipt-${number.replaceAll(/[^A-Za-z0-9-]/g, "_")}.json`;
}
