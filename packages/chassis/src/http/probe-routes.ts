/** What probes, load balancers, traffic managers and people in charge ask. */
import type { FastifyInstance, FastifyReply } from "fastify";
import type { Health, Readiness } from "../health/health.ts";
import type { Metrics } from "../observe/metrics.ts";

/** Probes are never limited, shed, traced or logged at level `info`: they must get through. */
const PROBE = { config: { probe: true, rateLimit: false }, schema: { hide: true } } as const;

declare module "fastify" {
  interface FastifyContextConfig {
    /** The route is for probes. */
    readonly probe?: boolean;
  }
}

/** Adds `/live`, `/startup`, `/ready`, `/health`, `/traffic`, `/cloud-status`, `/metrics`, `/openapi.json`. */
export function addProbeRoutes(app: FastifyInstance, health: Health, metrics: Metrics): void {
  const live = JSON.stringify({ status: "live" });
  app.get("/live", PROBE, (_request, reply) => {
    reply.type("application/json; charset=utf-8").send(live);
  });

  app.get("/startup", PROBE, (_request, reply) => answer(reply, health.startup()));

  app.get("/ready", PROBE, async (_request, reply) => answer(reply, await health.ready()));

  app.get("/traffic", PROBE, async (_request, reply) => answer(reply, await health.traffic()));

  app.get("/health", PROBE, async (_request, reply) => {
    const report = await health.report();
    reply.code(report.status === "unhealthy" ? 503 : 200);
    return report;
  });

  app.get("/cloud-status", PROBE, () => health.cloudStatus());

  app.get("/metrics", PROBE, async (request, reply) => {
    const { contentType, text } = await metrics.expose(request.headers.accept);
    reply.type(contentType);
    return text;
  });

  app.get("/openapi.json", PROBE, () => app.swagger());
}

function answer(reply: FastifyReply, { ok, status }: Readiness): { readonly status: string } {
  reply.code(ok ? 200 : 503);
  return { status };
}
