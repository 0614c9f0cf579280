/** What probes, load balancers, traffic managers and people in charge ask. */
import type { FastifyInstance, FastifyReply } from "fastify";
import type { Health, Readiness } from "../health/health.ts";
import type { Metrics } from "../observe/metrics.ts";

/** Probes are never limited, shed, traced or logged at level `info`: they must get through. */
const PROBE = { config: { probe: true, rateLimit: false }, schema: { hide: true } } as const;

/** The same, but a client has as many of each as of requests: anybody can ask, and they cost more. */
const REPORT = { config: { probe: true, rateLimit: {} }, schema: { hide: true } } as const;

/** For people and their tools: it has time. */
const DOCUMENT = { config: { rateLimit: {} }, schema: { hide: true } } as const;

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

  app.get("/health", REPORT, async (_request, reply) => {
    const report = await health.report();
    reply.code(report.status === "unhealthy" ? 503 : 200);
    return report;
  });

  app.get("/cloud-status", PROBE, () => health.cloudStatus());

  app.get("/metrics", REPORT, async (request, reply) => {
    const { contentType, text } = await metrics.expose(request.headers.accept);
    reply.type(contentType);
    return text;
  });

  let document: string | null = null;
  app.get("/openapi.json", DOCUMENT, (_request, reply) => {
    // Complete once the service listens, and the same from then on.
    document ??= JSON.stringify(app.swagger());
    reply.type("application/json; charset=utf-8").send(document);
  });
}

function answer(reply: FastifyReply, { ok, status }: Readiness): { readonly status: string } {
  reply.code(ok ? 200 : 503);
  return { status };
}
