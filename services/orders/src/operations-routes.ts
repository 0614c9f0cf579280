/** What probes, load balancers and people in charge ask: health, readiness, identity, metrics. */
import type { FastifyPluginCallback } from "fastify";
import type { Health } from "./health.ts";
import type { Metrics } from "./metrics.ts";

export interface OperationsRouteOptions {
  readonly health: Health;
  readonly metrics: Metrics;
}

export const operationsRoutes: FastifyPluginCallback<OperationsRouteOptions> = (
  app,
  options,
  done,
) => {
  const { health, metrics } = options;

  app.get("/live", () => ({ status: "live" }));

  app.get("/ready", async (_request, reply) => {
    const ready = await health.ready();
    reply.code(ready ? 200 : 503);
    return { status: ready ? "ready" : health.draining ? "draining" : "not ready" };
  });

  // For traffic managers and DNS health checks: a site without the writer epoch gets no users.
  app.get("/traffic", async (_request, reply) => {
    const takesWrites = await health.takesWrites();
    reply.code(takesWrites ? 200 : 503);
    return { status: takesWrites ? "takes writes" : "takes no writes" };
  });

  app.get("/health", async (_request, reply) => {
    const report = await health.report();
    reply.code(report.status === "unhealthy" ? 503 : 200);
    return report;
  });

  app.get("/cloud-status", () => health.cloudStatus());

  app.get("/metrics", async (_request, reply) => {
    const { contentType, text } = await metrics.expose();
    reply.type(contentType);
    return text;
  });

  done();
};
