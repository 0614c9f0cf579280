/** Puts the HTTP API together: one server, one way of refusing, one document that describes it. */

import { randomUUID } from "node:crypto";
import { CloudPhoenixError } from "@cloudphoenix/core";
import swagger from "@fastify/swagger";
import fastify, { type FastifyBaseLogger, type FastifyRequest, LogController } from "fastify";
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
} from "fastify-type-provider-zod";
import { z } from "zod";
import type { Api, ApiDependencies } from "./api-dependencies.ts";
import { bearerCheck } from "./bearer-token.ts";
import { answerProblem } from "./problem-document.ts";
import { registerEvents } from "./routes/events.ts";
import { registerMachineReads } from "./routes/machine-reads.ts";
import { registerMaintenance } from "./routes/maintenance.ts";
import { registerPlans } from "./routes/plans.ts";
import { registerPublicStatus } from "./routes/public-status.ts";
import { registerQuarantine } from "./routes/quarantine.ts";
import { registerReads } from "./routes/reads.ts";
import { registerReplicationSetup } from "./routes/replication-setup.ts";
import { registerRuns } from "./routes/runs.ts";
import { refusals } from "./schemas/problem-schema.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Answers without a token. */
    readonly public?: boolean;
  }
}

export interface ApiOptions {
  readonly logger: FastifyBaseLogger;
  /**
   * Fail an answer that does not match its schema. For tests: in an outage a field too many must
   * not cost an engineer the status page.
   */
  readonly checkAnswers?: boolean;
}

const BODY_MAX_BYTES = 65_536;
const REQUEST_TIMEOUT_MS = 15_000;
const REQUEST_ID = /^[\w.-]{1,64}$/;

/** The server with every route, not yet listening. */
export async function buildApi(deps: ApiDependencies, options: ApiOptions): Promise<Api> {
  const app: Api = fastify({
    loggerInstance: options.logger,
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: "requestId",
    }),
    bodyLimit: BODY_MAX_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Event streams never end by themselves.
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    genReqId: (request) => {
      const given = request.headers["x-request-id"];
      return typeof given === "string" && REQUEST_ID.test(given) ? given : randomUUID();
    },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(
    options.checkAnswers === true ? serializerCompiler : () => (body) => JSON.stringify(body),
  );
  app.setErrorHandler(answerProblem);
  guardEntrance(app, deps);
  await app.register(swagger, documentOptions(deps.version));
  registerMachineReads(app, deps);
  registerPublicStatus(app, deps);
  registerReads(app, deps);
  registerPlans(app, deps);
  registerRuns(app, deps);
  registerMaintenance(app, deps);
  registerQuarantine(app, deps);
  registerReplicationSetup(app, deps);
  registerEvents(app, deps);
  registerDocument(app);
  return app;
}

function guardEntrance(app: Api, deps: ApiDependencies): void {
  const check = bearerCheck(deps.token);
  app.addHook("onRequest", async (request, reply) => {
    reply.headers({ ...SECURITY_HEADERS, "x-request-id": request.id });
    // Unknown routes want the token too: what exists is nobody else's business.
    if (request.routeOptions.config.public !== true) check(request.headers.authorization);
  });
  app.addHook("onResponse", async (request, reply) => {
    const line = {
      method: request.method,
      route: request.routeOptions.url ?? "unknown",
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime),
    };
    // Dashboards and scrapers poll; only what changes something is worth a line by default.
    if (request.method === "GET") request.log.debug(line, "answered");
    else request.log.info(line, "answered");
  });
  app.setNotFoundHandler(async (request: FastifyRequest) => {
    throw new CloudPhoenixError("NOT_FOUND", `there is no ${request.method} ${pathOf(request)}`, {
      retryable: false,
      hint: "See /openapi.json for what there is.",
    });
  });
}

function pathOf(request: FastifyRequest): string {
  return (request.url.split("?")[0] ?? "").slice(0, 200);
}

function documentOptions(version: string): Parameters<typeof swagger>[1] {
  return {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "CloudPhoenix controller",
        description: "Watches an application, decides with evidence, moves it, proves the result.",
        version,
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      components: { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } },
      security: [{ bearer: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  };
}

function registerDocument(app: Api): void {
  app.get(
    "/openapi.json",
    {
      schema: {
        operationId: "getDocument",
        summary: "This document",
        response: { 200: z.looseObject({ openapi: z.string() }), ...refusals(401) },
      },
    },
    async () => ({ ...app.swagger(), openapi: "3.1.0" }),
  );
}
