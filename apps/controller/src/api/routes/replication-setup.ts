/** Making the standby follow the active site: looking first, ordering it, and how far it is. */

import type { SetupRecord } from "@cloudphoenix/engine";
import { z } from "zod";
import type { Api, ApiDependencies } from "../api-dependencies.ts";
import { IdempotentOrders } from "../idempotent-orders.ts";
import { audited, roomOf } from "../mutation.ts";
import { refusals } from "../schemas/problem-schema.ts";
import { idempotencyKey, operator, reason } from "../schemas/request-fields.ts";
import { setupPreviewSchema, setupSchema } from "../schemas/setup-schema.ts";

/** Both catalogs are read whole; a site that hangs must not hold the answer for ever. */
const PREVIEW_LIMIT_MS = 30_000;

const to = z
  .string()
  .min(1)
  .max(63)
  .optional()
  .describe("The site that is to follow; default: the only one that is not active.");

/** Registers `/v1/replication/setup` and its preview. */
export function registerReplicationSetup(app: Api, deps: ApiDependencies): void {
  app.get(
    "/v1/replication/setup",
    {
      schema: {
        operationId: "getReplicationSetup",
        summary: "The newest set-up of replication, and how far it is (leader only)",
        response: {
          200: z.strictObject({ setup: setupSchema.nullable() }),
          ...refusals(401, 503),
        },
      },
    },
    async () => ({ setup: roomOf(deps).replicationSetup.newest }),
  );
  app.post(
    "/v1/replication/setup/preview",
    {
      schema: {
        operationId: "previewReplicationSetup",
        summary: "What setting up would meet and make; changes nothing (leader only)",
        body: z.strictObject({ to }),
        response: { 200: setupPreviewSchema, ...refusals(400, 401, 404, 413, 415, 503, 504) },
      },
    },
    async ({ body }) =>
      roomOf(deps).replicationSetup.preview(body.to, AbortSignal.timeout(PREVIEW_LIMIT_MS)),
  );
  registerOrder(app, deps);
}

function registerOrder(app: Api, deps: ApiDependencies): void {
  const orders = new IdempotentOrders<SetupRecord>({
    kind: "setup",
    facts: deps.facts,
    get: async (id) => {
      const newest = deps.leading()?.replicationSetup.newest ?? null;
      return newest?.id === id ? newest : null;
    },
  });
  app.post(
    "/v1/replication/setup",
    {
      schema: {
        operationId: "setUpReplication",
        summary:
          "Make the standby follow the active site; every problem is listed if it cannot (leader only)",
        headers: z.looseObject({ "idempotency-key": idempotencyKey }),
        body: z.strictObject({ to, reason, by: operator }),
        response: {
          202: z
            .strictObject({ setup: setupSchema })
            .describe("Begun, now or by an earlier request; the copy goes on in the background."),
          ...refusals(400, 401, 404, 409, 413, 415, 503, 504),
        },
      },
    },
    async (request, reply) => {
      const { reason: why, by } = request.body;
      const site = request.body.to;
      const { replicationSetup } = roomOf(deps);
      const detail = { to: site ?? null, request: request.id };
      const mutation = { by, what: "replication.setup", why, detail };
      const order = {
        key: request.headers["idempotency-key"],
        body: { to: site ?? null, why, by },
      };
      const limit = AbortSignal.timeout(PREVIEW_LIMIT_MS);
      const { started, replayed } = await audited(deps, mutation, () =>
        orders.once(order, () => replicationSetup.order({ to: site, by, reason: why }, limit)),
      );
      if (replayed) reply.header("idempotency-replayed", "true");
      return reply.code(202).send({ setup: started });
    },
  );
}
