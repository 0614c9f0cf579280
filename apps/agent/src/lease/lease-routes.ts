/** The lease in the agent's API: what it is, promises to peers, the fence from within. */
import { type ErrorCode, hasCode, messageOf } from "@cloudphoenix/core";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { LeaseOffice } from "./lease-office.ts";

const EPOCH_MAX = 2 ** 53 - 1;
/** No lease is that long; see the configuration of `ttl` and `margin`. */
const PROMISE_MAX_MS = 900_000;

/** Refusals of the site's database; anything else means that it could not be asked. */
const REFUSALS: readonly ErrorCode[] = ["PROMISE_REFUSED", "STALE_GENERATION"];

export interface LeaseRoutesParts {
  /** Null at a vantage that keeps no lease. */
  readonly office: LeaseOffice | null;
  readonly stopping: AbortSignal;
}

/**
 * `GET /v1/lease`, `POST /v1/promises {epoch, durationMs}`, `POST /v1/fence {generation}`. The last
 * two answer 409 with `PROMISE_REFUSED` or `STALE_GENERATION` when the site's database refuses, and
 * 503 when it does not answer.
 */
export function addLeaseRoutes(server: FastifyInstance, parts: LeaseRoutesParts): void {
  const { office, stopping } = parts;
  server.get("/v1/lease", async (_request, reply) =>
    office === null ? refuseWithout(reply) : office.view(),
  );
  server.post<{ Body: { epoch: number; durationMs: number } }>(
    "/v1/promises",
    { schema: { body: body({ epoch: EPOCH_MAX, durationMs: PROMISE_MAX_MS }) } },
    (request, reply) =>
      answered(reply, office, async ({ lease }) => {
        const { epoch, durationMs } = request.body;
        await lease.promise({ epoch, durationMs }, stopping);
        return { epoch, durationMs };
      }),
  );
  server.post<{ Body: { generation: number } }>(
    "/v1/fence",
    { schema: { body: body({ generation: EPOCH_MAX }) } },
    (request, reply) =>
      answered(reply, office, async ({ lease }) => {
        await lease.surrender(request.body.generation, stopping);
        const { role, epoch } = await lease.read(stopping);
        return { role, generation: epoch };
      }),
  );
}

function body(limits: Readonly<Record<string, number>>): object {
  const properties = Object.entries(limits).map(([name, maximum]) => [
    name,
    { type: "integer", minimum: 0, maximum },
  ]);
  return {
    type: "object",
    additionalProperties: false,
    required: Object.keys(limits),
    properties: Object.fromEntries(properties),
  };
}

async function answered(
  reply: FastifyReply,
  office: LeaseOffice | null,
  work: (office: LeaseOffice) => Promise<object>,
): Promise<object> {
  if (office === null) return refuseWithout(reply);
  try {
    return await work(office);
  } catch (error) {
    const refusal = REFUSALS.find((code) => hasCode(error, code));
    const [status, code] = refusal === undefined ? [503, "UNREACHABLE"] : [409, refusal];
    return reply.code(status).send({ code, message: messageOf(error) });
  }
}

function refuseWithout(reply: FastifyReply): FastifyReply {
  return reply.code(404).send({ code: "NOT_FOUND", message: "this agent keeps no lease" });
}
