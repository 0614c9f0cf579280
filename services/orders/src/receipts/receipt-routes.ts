/** `GET /orders/:id/receipt`, and for operators `GET /receipts`, `GET /receipts/set-aside`. */
import {
  type Database,
  type Deadline,
  ERROR_KINDS,
  type ErrorKind,
  NotFoundError,
  type ObjectStorage,
  ServiceError,
  type SiteWatch,
  StorageError,
} from "@cloudphoenix/chassis";
import type { FastifyInstance, FastifyReply } from "fastify";
import { z } from "zod";
import { orderNotFound } from "../failures.ts";
import { orderParamsSchema } from "../order-schemas.ts";
import { RECEIPT_TYPE } from "./receipt.ts";
import type { ReceiptQueue } from "./receipt-queue.ts";
import type { ReceiptWatch } from "./receipt-state.ts";

/** What the routes stand on. */
export interface ReceiptRouteOptions {
  readonly database: Pick<Database, "query">;
  readonly queue: Pick<ReceiptQueue, "again" | "setAside">;
  readonly receipts: ReceiptWatch;
  readonly site: Pick<SiteWatch, "observe">;
  /** Null: this site has none. */
  readonly storage: Pick<ObjectStorage, "get"> | null;
}

const RECEIPT_NOT_PROMISED: ErrorKind = {
  code: "RECEIPT_NOT_PROMISED",
  status: 404,
  title: "The order has no receipt",
  retryable: false,
};

const RECEIPT_SET_ASIDE: ErrorKind = {
  code: "RECEIPT_SET_ASIDE",
  status: 409,
  title: "The receipt cannot be written",
  retryable: false,
};

const PENDING_RETRY_SECONDS = 1;

const receiptSchema = z
  .strictObject({
    receipt: z.literal(1).describe("Version of the document."),
    orderId: z.string(),
    number: z.string(),
    customer: z.string(),
    items: z.array(z.strictObject({ sku: z.string(), quantity: z.int() })),
    placedAt: z.iso.datetime(),
  })
  .meta({ id: "Receipt" });

const pendingSchema = z
  .strictObject({ status: z.literal("pending"), orderId: z.string() })
  .meta({ id: "PendingReceipt" });

const stateSchema = z
  .strictObject({
    waiting: z.int().describe("Counted up to 10,000."),
    oldestWaitingSeconds: z.number(),
    setAside: z.int().describe("Counted up to 10,000."),
  })
  .meta({ id: "Receipts" });

const setAsideSchema = z
  .strictObject({ orderId: z.string(), objectKey: z.string(), reason: z.string() })
  .meta({ id: "SetAsideReceipt" });

interface PromiseRow {
  readonly object_key: string | null;
  readonly stored: boolean;
  readonly set_aside: boolean;
}

// Typed without the schemas: a receipt is handed out as the bytes that are stored.
export function registerReceiptRoutes(app: FastifyInstance, options: ReceiptRouteOptions): void {
  app.get<{ readonly Params: { readonly id: string } }>(
    "/orders/:id/receipt",
    {
      schema: {
        summary: "The receipt of an order; 202 while it is not stored at this site yet",
        params: orderParamsSchema,
        response: { 200: receiptSchema, 202: pendingSchema },
      },
    },
    ({ params, deadline }, reply) => sendReceipt(options, params.id, deadline, reply),
  );

  app.get("/receipts", { schema: { response: { 200: stateSchema } } }, async () => {
    const state = await options.receipts.state();
    if (state !== null) return state;
    throw new ServiceError(ERROR_KINDS.DATABASE_UNAVAILABLE, "The receipts cannot be counted now.");
  });

  app.get<{ readonly Querystring: { readonly limit: number } }>(
    "/receipts/set-aside",
    {
      schema: {
        querystring: z.strictObject({ limit: z.coerce.number().int().min(1).max(100).default(50) }),
        response: { 200: z.strictObject({ receipts: z.array(setAsideSchema) }) },
      },
    },
    async ({ query }) => ({ receipts: await options.queue.setAside(query.limit) }),
  );
}

async function sendReceipt(
  options: ReceiptRouteOptions,
  id: string,
  deadline: Deadline,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const promised = await promiseOf(options.database, id, deadline);
  if (!promised.stored) return pending(reply, id);
  if (options.storage === null) {
    throw new StorageError(ERROR_KINDS.STORAGE_UNAVAILABLE, "This site has no object store.");
  }
  const object = await options.storage.get(promised.key, { deadline });
  if (object !== null) {
    return reply.type(RECEIPT_TYPE).header("cache-control", "private, no-cache").send(object.body);
  }
  // The row arrived before the object did, or the object was lost with the other site's store.
  await writeAgain(options, id);
  return pending(reply, id);
}

/** @throws {ServiceError} what will not change by waiting */
async function promiseOf(
  database: Pick<Database, "query">,
  id: string,
  deadline: Deadline,
): Promise<{ readonly key: string; readonly stored: boolean }> {
  const [row] = await database.query<PromiseRow>(
    {
      name: "receipt-of-order",
      text: `select r.object_key, r.stored_at is not null as stored,
                    r.set_aside_reason is not null as set_aside
             from public.orders o left join public.receipts r on r.order_id = o.id where o.id = $1`,
      values: [id],
    },
    { idempotent: true, deadline },
  );
  if (row === undefined) throw orderNotFound();
  if (row.object_key === null) {
    const sentence = "No receipt was promised when this order was placed.";
    throw new NotFoundError(sentence, RECEIPT_NOT_PROMISED);
  }
  if (row.set_aside) {
    throw new ServiceError(RECEIPT_SET_ASIDE, "A person has to look at the receipt of this order.");
  }
  return { key: row.object_key, stored: row.stored };
}

/** Where this site may write. If it cannot be asked for now, the next one who looks asks again. */
async function writeAgain({ queue, site }: ReceiptRouteOptions, id: string): Promise<void> {
  const { record } = await site.observe();
  if (record?.writesOpen === true) await queue.again(id).catch(() => undefined);
}

function pending(reply: FastifyReply, orderId: string): FastifyReply {
  return reply
    .code(202)
    .header("retry-after", String(PENDING_RETRY_SECONDS))
    .send({ status: "pending", orderId });
}
