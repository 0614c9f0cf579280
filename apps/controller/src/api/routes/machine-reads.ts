/** What machines ask without a token: is it alive, is it ready, how is it doing. */

import { z } from "zod";
import type { Api, ApiDependencies } from "../api-dependencies.ts";

const PUBLIC = { public: true } as const;
/** Overrides the document's default of a bearer token. */
const NO_TOKEN: readonly Record<string, readonly string[]>[] = [];

/** Registers `/live`, `/ready`, `/metrics`. */
export function registerMachineReads(app: Api, deps: ApiDependencies): void {
  app.get(
    "/live",
    {
      config: PUBLIC,
      schema: {
        operationId: "live",
        summary: "Whether the process answers",
        security: NO_TOKEN,
        response: { 200: z.strictObject({ live: z.literal(true) }) },
      },
    },
    async () => ({ live: true as const }),
  );
  const readiness = z.strictObject({ ready: z.boolean(), role: z.enum(["leader", "follower"]) });
  app.get(
    "/ready",
    {
      config: PUBLIC,
      schema: {
        operationId: "ready",
        summary: "Whether it leads and decides",
        security: NO_TOKEN,
        response: { 200: readiness, 503: readiness },
      },
    },
    async (_request, reply) => {
      const room = deps.leading();
      const ready = room !== null && room.latest() !== null;
      return reply
        .code(ready ? 200 : 503)
        .send({ ready, role: room === null ? "follower" : "leader" });
    },
  );
  app.get(
    "/metrics",
    {
      config: PUBLIC,
      schema: {
        operationId: "metrics",
        summary: "Prometheus metrics",
        security: NO_TOKEN,
        response: { 200: z.string() },
      },
    },
    async (_request, reply) => {
      const { contentType, text } = await deps.metrics();
      return reply
        .header("content-type", contentType)
        .serializer((body: unknown) => String(body))
        .send(text);
    },
  );
}
