/**
 * `GET /orders/:id` of the orders service with the duties up to one layer, made of the same parts.
 *
 *   npx node bench/services/layered-server.ts "log line"
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import {
  API_CONTENT_POLICY,
  CLIENT_GONE_STATUS,
  createLogger,
  Database,
  Deadline,
  DEADLINE_HEADER,
  Metrics,
  parseDatabaseUrl,
  securityHeaders,
  type Statement,
} from "@cloudphoenix/chassis";
import rateLimit from "@fastify/rate-limit";
import underPressure from "@fastify/under-pressure";
import {
  fastify,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  LogController,
} from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import { Pool } from "pg";
import {
  orderParamsSchema,
  orderWithReceiptSchema,
} from "../../services/orders/src/order-schemas.ts";
import {
  ORDER_WITH_RECEIPT,
  orderWithReceiptOf,
  type OrderWithReceiptRow,
} from "../../services/orders/src/read-order.ts";
import { type Layer, LAYERS } from "./layers.ts";

const upTo = LAYERS.findIndex((layer) => layer === process.argv[2]);
const address = parseDatabaseUrl(process.env["DATABASE_URL"] ?? "");
if (upTo === -1 || typeof address === "string") throw new Error("call it as its head says");
const password = readFileSync(process.env["DATABASE_PASSWORD_FILE"] ?? "", "utf8").trim();
const text = `${ORDER_WITH_RECEIPT} where o.id = $1`;
const labels = { service: "layered", version: "0", site: "local", pod: "local" };

const logger = createLogger({ labels, level: "info", personalFields: ["customer", "note"] });
const metrics = new Metrics({ service: "layered", version: "0", commit: "unknown", site: "local" });
const asBase: FastifyBaseLogger = logger;
const app: FastifyInstance = has("log line")
  ? fastify({
      loggerInstance: asBase,
      logController: new LogController({
        disableRequestLogging: true,
        requestIdLogLabel: "requestId",
      }),
      genReqId: () => randomUUID(),
    })
  : fastify({ genReqId: has("headers and request id") ? () => randomUUID() : () => "" });

const open = new Map<ServerResponse, FastifyReply>();
/** What is done at the end of each request. */
const atEnd: ((reply: FastifyReply, status: number) => void)[] = [];
const query = has("lookups that share connections") ? byLookup() : byPool();
if (has("headers and request id")) addHeaders();
if (has("log line")) addAccounting();
if (has("log line")) addLogLine();
if (has("metrics")) addMetrics();
if (has("limits and deadline")) await addLimits();
addRoute();
await app.listen({ host: "127.0.0.1", port: Number(process.env["PORT"]) });

function has(layer: Layer): boolean {
  return LAYERS.indexOf(layer) <= upTo;
}

function byPool(): (statement: Statement) => Promise<readonly OrderWithReceiptRow[]> {
  if (typeof address === "string") throw new Error(address);
  const pool = new Pool({ ...address, password, ssl: false, max: 10 });
  return async ({ values = [], ...statement }) =>
    (await pool.query<OrderWithReceiptRow>({ ...statement, values: [...values] })).rows;
}

function byLookup(): (statement: Statement) => Promise<readonly OrderWithReceiptRow[]> {
  if (typeof address === "string") throw new Error(address);
  const database = new Database({
    address,
    password: { value: async () => password, invalidate: () => undefined },
    name: "layered",
    ...(has("metrics")
      ? { onLoan: (outcome, seconds) => metrics.callEnded("database", outcome, seconds) }
      : {}),
  });
  return (statement) => database.lookup<OrderWithReceiptRow>(statement);
}

function addRoute(): void {
  const checked = {
    schema: { params: orderParamsSchema, response: { 200: orderWithReceiptSchema } },
  };
  if (has("validation in and out")) {
    app.setValidatorCompiler(validatorCompiler).setSerializerCompiler(serializerCompiler);
  }
  app.get<{ Params: { readonly id: string } }>(
    "/orders/:id",
    has("validation in and out") ? checked : {},
    async ({ params }, reply) => {
      const [row] = await query({ name: "order-by-id", text, values: [params.id] });
      return row === undefined ? reply.code(404).send() : orderWithReceiptOf(row);
    },
  );
}

/** As the chassis does: a request ends with its response, whether that was sent or not. */
function addAccounting(): void {
  app.addHook("onRequest", (_request, reply, done) => {
    open.set(reply.raw, reply);
    reply.raw.on("close", onClose);
    done();
  });
}

function onClose(this: ServerResponse): void {
  const reply = open.get(this);
  if (reply === undefined) return;
  open.delete(this);
  const status = this.writableFinished ? reply.statusCode : CLIENT_GONE_STATUS;
  for (const each of atEnd) each(reply, status);
}

function addHeaders(): void {
  const headers = { ...securityHeaders(API_CONTENT_POLICY), "cache-control": "no-store" };
  app.addHook("onRequest", (request, reply, done) => {
    reply.headers(headers).header("x-request-id", request.id);
    done();
  });
}

function addLogLine(): void {
  atEnd.push(({ request, elapsedTime }, status) => {
    const { id, method, routeOptions } = request;
    const durationMs = Math.round(elapsedTime * 10) / 10;
    logger.info({ requestId: id, method, route: routeOptions.url, status, durationMs }, "request");
  });
}

function addMetrics(): void {
  atEnd.push(({ request, elapsedTime }, status) => {
    const { method, routeOptions } = request;
    metrics.requestEnded(
      { method, route: routeOptions.url ?? "", status },
      elapsedTime / 1_000,
      null,
    );
  });
}

async function addLimits(): Promise<void> {
  const timers = new WeakMap<object, NodeJS.Timeout>();
  app.addHook("onRequest", (request, reply, done) => {
    const deadline = Deadline.fromHeader(request.headers[DEADLINE_HEADER], 10_000);
    timers.set(
      request,
      setTimeout(() => void reply.code(504).send(), deadline.remainingMs()),
    );
    if (open.size > 1_000) void reply.code(503).send();
    else done();
  });
  atEnd.push(({ request }) => clearTimeout(timers.get(request)));
  await app.register(underPressure, { maxEventLoopDelay: 500 });
  await app.register(rateLimit, { max: 1e8, timeWindow: 60_000, enableDraftSpec: true });
}
