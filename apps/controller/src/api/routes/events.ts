/** `GET /v1/events`: what happens, as it happens. */

import { CloudPhoenixError } from "@cloudphoenix/core";
import { z } from "zod";
import type { Api, ApiDependencies } from "../api-dependencies.ts";
import { refusals } from "../schemas/problem-schema.ts";
import { currentStatus } from "./reads.ts";

/** Registers the event stream. */
export function registerEvents(app: Api, deps: ApiDependencies): void {
  app.get(
    "/v1/events",
    {
      schema: {
        operationId: "streamEvents",
        summary:
          "Server-sent events: a snapshot first, then decision, run, run-event, observation-summary, quarantine",
        description:
          "Send `Last-Event-ID` to get what was missed, as far as it is still kept. A client that does not read is cut off.",
        produces: ["text/event-stream"],
        headers: z.looseObject({ "last-event-id": z.string().max(100).optional() }),
        response: {
          200: z.string().describe("A stream of events (`text/event-stream`)."),
          ...refusals(400, 401, 503),
        },
      },
    },
    async (request, reply) => {
      if (!deps.hub.hasRoom) {
        throw new CloudPhoenixError("STATE_UNAVAILABLE", "too many clients follow the events", {
          retryable: true,
          hint: "Close a dashboard or a `--watch`.",
        });
      }
      const snapshot = await currentStatus(deps);
      reply.header("content-type", "text/event-stream");
      const headers = Object.entries(reply.getHeaders());
      reply.hijack();
      for (const [name, value] of headers)
        if (value !== undefined) reply.raw.setHeader(name, value);
      reply.raw.writeHead(200);
      deps.hub.attach(reply.raw, snapshot, request.headers["last-event-id"]);
    },
  );
}
