/** What operators ask and tell: the queue, the orders set aside, and another chance for one. */
import { ERROR_KINDS, NotFoundError, ServiceError } from "@cloudphoenix/chassis";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { OrderQueue } from "./order-queue.ts";
import type { QueueWatch } from "./queue-watch.ts";

const queueSchema = z
  .strictObject({
    waiting: z.int().describe("Counted up to 10,000."),
    oldestDueSeconds: z.number(),
    setAside: z.int().describe("Counted up to 10,000."),
  })
  .meta({ id: "Queue" });

const setAsideSchema = z
  .strictObject({
    id: z.string(),
    number: z.string(),
    attempts: z.int(),
    reason: z.string(),
    since: z.string(),
  })
  .meta({ id: "SetAsideOrder" });

const orderId = z.string().regex(/^[1-9]\d{0,17}$/, "must be an order id");

/** Reachable inside the cluster only; the network policies see to that. */
export function registerRoutes(
  app: FastifyInstance,
  queue: OrderQueue,
  watch: Pick<QueueWatch, "state">,
): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get("/queue", { schema: { response: { 200: queueSchema } } }, async () => {
    const state = await watch.state();
    if (state !== null) return state;
    throw new ServiceError(ERROR_KINDS.DATABASE_UNAVAILABLE, "The queue cannot be counted now.");
  });

  routes.get(
    "/set-aside",
    {
      schema: {
        querystring: z.strictObject({ limit: z.coerce.number().int().min(1).max(100).default(50) }),
        response: { 200: z.strictObject({ orders: z.array(setAsideSchema) }) },
      },
    },
    async ({ query }) => ({ orders: [...(await queue.setAside(query.limit))] }),
  );

  routes.post(
    "/set-aside/:id/release",
    {
      schema: {
        params: z.strictObject({ id: orderId }),
        response: { 200: z.strictObject({ released: z.literal(true) }) },
      },
    },
    async ({ params }) => {
      if (await queue.release(params.id)) return { released: true as const };
      throw new NotFoundError("No order with this id is set aside.");
    },
  );
}
