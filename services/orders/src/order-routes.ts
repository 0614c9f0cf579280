/** `POST /orders`, `GET /orders/:id`, `GET /orders?key=`. */
import type { FastifyPluginCallbackZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Metrics } from "./metrics.ts";
import { idempotencyKeySchema, orderDraftSchema, orderIdSchema, type Order } from "./order.ts";
import type { OrderStore } from "./order-store.ts";
import { ServiceError } from "./service-error.ts";

export interface OrderRouteOptions {
  readonly store: OrderStore;
  readonly metrics: Metrics;
}

// Other headers are none of our business and pass unseen.
const headersSchema = z.object({ "idempotency-key": idempotencyKeySchema });

export const orderRoutes: FastifyPluginCallbackZod<OrderRouteOptions> = (app, options, done) => {
  const { store, metrics } = options;

  app.post(
    "/orders",
    { schema: { headers: headersSchema, body: orderDraftSchema } },
    async (request, reply) => {
      const placement = await store.place(request.headers["idempotency-key"], request.body);
      metrics.orderPlaced(placement.replayed ? "replayed" : "created");
      if (placement.replayed) reply.header("idempotency-replayed", "true");
      reply.code(placement.replayed ? 200 : 201);
      return { ...placement.order, site: placement.site, generation: placement.generation };
    },
  );

  app.get("/orders/:id", { schema: { params: z.strictObject({ id: orderIdSchema }) } }, (request) =>
    store.findById(request.params.id).then(found),
  );

  app.get(
    "/orders",
    { schema: { querystring: z.strictObject({ key: idempotencyKeySchema }) } },
    (request) => store.findByKey(request.query.key).then(found),
  );

  done();
};

function found(order: Order | null): Order {
  if (order === null) throw new ServiceError("ORDER_NOT_FOUND", "There is no such order here.");
  return order;
}
