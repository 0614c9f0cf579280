/** The agent's HTTP API. Everything but `/live` and `/metrics` needs the bearer token. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { ProbeWheelMetrics } from "@cloudphoenix/adapter-probe";
import { messageOf } from "@cloudphoenix/core";
import type { ConvergenceProbe } from "@cloudphoenix/engine";
import fastify, { type FastifyInstance } from "fastify";
import type { LeaseOffice } from "./lease/lease-office.ts";
import { addLeaseRoutes } from "./lease/lease-routes.ts";
import type { ObservationLog } from "./observation-log.ts";

/** Longest a question may be held open. */
const WAIT_MAX_MS = 5000;

const OPEN_PATHS: readonly string[] = ["/live", "/metrics"];

export interface AgentServerParts {
  readonly token: string;
  readonly log: ObservationLog;
  readonly convergence: ConvergenceProbe;
  readonly metrics: () => ProbeWheelMetrics;
  /** What Prometheus is told. */
  readonly exposition: () => Promise<{ readonly contentType: string; readonly text: string }>;
  /** Null at a vantage that keeps no lease. */
  readonly office: LeaseOffice | null;
  /** Ends every held question when it aborts. */
  readonly stopping: AbortSignal;
  /** Told of failures of the agent itself. */
  readonly onTrouble: (error: unknown) => void;
}

/** Builds the server without listening. */
export function agentServer(parts: AgentServerParts): FastifyInstance {
  const server = fastify({ logger: false, forceCloseConnections: true, bodyLimit: 1024 });
  server.addHook("onRequest", async (request, reply) => {
    if (OPEN_PATHS.includes(request.routeOptions.url ?? "")) return;
    if (isBearer(request.headers.authorization, parts.token)) return;
    await reply.code(401).send({ code: "UNAUTHORIZED", message: "a valid bearer token is needed" });
  });
  server.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ code: "NOT_FOUND", message: "no such resource" }),
  );
  server.setErrorHandler((error, _request, reply) => {
    if (isBadRequest(error)) {
      return reply.code(400).send({ code: "BAD_REQUEST", message: messageOf(error) });
    }
    parts.onTrouble(error);
    return reply.code(500).send({ code: "INTERNAL", message: "the agent failed; see its log" });
  });
  server.get("/live", async () => ({ status: "live" }));
  server.get("/v1/metrics", async () => parts.metrics());
  server.get("/metrics", async (_request, reply) => {
    const { contentType, text } = await parts.exposition();
    return reply.type(contentType).send(text);
  });
  addLeaseRoutes(server, parts);
  addObservations(server, parts);
  addConvergence(server, parts);
  return server;
}

function addObservations(server: FastifyInstance, { log, stopping }: AgentServerParts): void {
  const querystring = {
    type: "object",
    additionalProperties: false,
    properties: {
      since: { type: "integer", minimum: 0, default: 0 },
      waitMs: { type: "integer", minimum: 0, maximum: WAIT_MAX_MS, default: 0 },
    },
  };
  server.get<{ Querystring: { since: number; waitMs: number } }>(
    "/v1/observations",
    { schema: { querystring } },
    (request, reply) => {
      const gone = new AbortController();
      // A client that has left must not keep a question open.
      reply.raw.once("close", () => gone.abort());
      const { since, waitMs } = request.query;
      return log.page(since, waitMs, AbortSignal.any([stopping, gone.signal]));
    },
  );
}

function addConvergence(
  server: FastifyInstance,
  { convergence, stopping }: AgentServerParts,
): void {
  server.get("/v1/convergence", async () => {
    const [sample] = await convergence.sample(stopping);
    return { site: sample?.site ?? null, detail: sample?.detail ?? "nothing was asked" };
  });
}

/** Compares in constant time; hashing first makes the lengths equal whatever was sent. */
function isBearer(header: string | undefined, token: string): boolean {
  const [, sent] = /^Bearer (.+)$/iu.exec(header ?? "") ?? [];
  return sent !== undefined && timingSafeEqual(digest(sent), digest(token));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function isBadRequest(error: unknown): boolean {
  const isError = typeof error === "object" && error !== null && "statusCode" in error;
  const statusCode = isError ? error.statusCode : null;
  return typeof statusCode === "number" && statusCode >= 400 && statusCode < 500;
}
