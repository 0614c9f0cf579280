/** The control plane of a site: the sandbox's stand-in for the API of a cloud. */
import { CloudPhoenixError, type Json } from "@cloudphoenix/core";
import { countField } from "../http/body-fields.ts";
import type { Route } from "../http/json-api.ts";
import type { Balancer } from "./balancer.ts";
import type { SiteDatabase } from "./database.ts";
import type { GenerationGuard } from "./generation-guard.ts";
import type { SiteWorkload } from "./workload.ts";

/** The parts the control plane speaks for. */
export interface ProviderParts {
  readonly workload: Pick<
    SiteWorkload,
    "name" | "desired" | "ready" | "troubles" | "nodes" | "scale" | "restart"
  >;
  readonly database: Pick<SiteDatabase, "state" | "start">;
  /** Null until the site has opened. */
  readonly balancer: () => Pick<Balancer, "report"> | null;
  readonly generations: GenerationGuard;
}

/**
 * Routes of the provider API. Changing ones are idempotent, and a generation older than the newest
 * one admitted is refused before anything is touched. The two health routes are open to everybody,
 * because probes ask them without a token.
 */
export function providerRoutes(parts: ProviderParts): readonly Route[] {
  const { workload, database, generations } = parts;
  return [
    {
      method: "GET",
      path: "/v1/workloads/:name",
      handle: ({ params }) => {
        requireWorkload(workload.name, params["name"]);
        return workloadState(workload);
      },
    },
    {
      method: "PUT",
      path: "/v1/workloads/:name/scale",
      handle: ({ params, body }) => {
        requireWorkload(workload.name, params["name"]);
        const replicas = countField(body, "replicas");
        generations.admit(countField(body, "generation"));
        workload.scale(replicas);
        return workloadState(workload);
      },
    },
    {
      method: "POST",
      path: "/v1/workloads/:name/restart",
      handle: ({ params, body }) => {
        requireWorkload(workload.name, params["name"]);
        generations.admit(countField(body, "generation"));
        workload.restart();
        return workloadState(workload);
      },
    },
    { method: "GET", path: "/v1/database", handle: () => ({ state: database.state }) },
    {
      method: "POST",
      path: "/v1/database/restart",
      handle: async ({ body }) => {
        generations.admit(countField(body, "generation"));
        await database.start();
        return { state: database.state };
      },
    },
    { method: "GET", path: "/v1/nodes", open: true, handle: () => nodesReport(workload) },
    {
      method: "GET",
      path: "/v1/load-balancer",
      open: true,
      handle: () => ({ ...(parts.balancer()?.report() ?? NOT_OPEN) }),
    },
  ];
}

const NOT_OPEN = { status: "unhealthy", detail: "the load balancer has not started" } as const;

function workloadState(workload: ProviderParts["workload"]): Json {
  return { desired: workload.desired, ready: workload.ready, troubles: workload.troubles };
}

function nodesReport(workload: ProviderParts["workload"]): Json {
  const nodes = workload.nodes();
  const bad = nodes.filter(({ healthy }) => !healthy);
  const status =
    bad.length === 0 ? "healthy" : bad.length < nodes.length ? "degraded" : "unhealthy";
  const told = bad.length === 0 ? nodes : bad;
  return { status, detail: told.map(({ detail }) => detail).join("; ") };
}

function requireWorkload(name: string, asked: string | undefined): void {
  if (asked === name) return;
  throw new CloudPhoenixError("NOT_FOUND", `there is no workload ${asked}`, { retryable: false });
}
