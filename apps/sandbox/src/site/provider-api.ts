/** The control plane of a site: the sandbox's stand-in for the API of a cloud. */
import { CloudPhoenixError, type Json } from "@cloudphoenix/core";
import { countField } from "../http/body-fields.ts";
import type { Route } from "../http/json-api.ts";
import type { Balancer } from "./balancer.ts";
import type { SiteDatabase } from "./database.ts";
import type { GenerationGuard } from "./generation-guard.ts";
import { nodesReport } from "./nodes-report.ts";
import type { SiteWorkload } from "./workload.ts";

type ProvidedWorkload = Pick<
  SiteWorkload,
  "name" | "desired" | "ready" | "troubles" | "nodes" | "scale" | "restart"
>;

/** The parts the control plane speaks for. */
export interface ProviderParts {
  readonly workloads: readonly ProvidedWorkload[];
  readonly database: Pick<SiteDatabase, "state" | "start">;
  /** None until the site has opened. The first is what clients cannot do without. */
  readonly balancers: () => readonly Pick<Balancer, "report">[];
  readonly generations: GenerationGuard;
}

/**
 * Routes of the provider API. Changing ones are idempotent, and a generation older than the newest
 * one admitted is refused before anything is touched. The two health routes are open to everybody,
 * because probes ask them without a token.
 */
export function providerRoutes(parts: ProviderParts): readonly Route[] {
  const { workloads, database, generations } = parts;
  const called = (name: string | undefined): ProvidedWorkload => workloadCalled(workloads, name);
  return [
    {
      method: "GET",
      path: "/v1/workloads/:name",
      handle: ({ params }) => workloadState(called(params["name"])),
    },
    {
      method: "PUT",
      path: "/v1/workloads/:name/scale",
      handle: ({ params, body }) => {
        const workload = called(params["name"]);
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
        const workload = called(params["name"]);
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
    { method: "GET", path: "/v1/nodes", open: true, handle: () => ({ ...nodesReport(workloads) }) },
    {
      method: "GET",
      path: "/v1/load-balancer",
      open: true,
      handle: () => ({ ...balancersReport(parts.balancers()) }),
    },
  ];
}

/** As bad as the first; the others can only make it worse than well. */
function balancersReport(
  balancers: readonly Pick<Balancer, "report">[],
): ReturnType<Balancer["report"]> {
  const [first, ...others] = balancers.map((balancer) => balancer.report());
  if (first === undefined) {
    return { status: "unhealthy", detail: "the load balancer has not started" };
  }
  const bad = others.filter(({ status }) => status !== "healthy");
  if (bad.length === 0 || first.status !== "healthy") return first;
  return { status: "degraded", detail: [first, ...bad].map(({ detail }) => detail).join("; ") };
}

function workloadState(workload: ProvidedWorkload): Json {
  return { desired: workload.desired, ready: workload.ready, troubles: workload.troubles };
}

function workloadCalled(
  workloads: readonly ProvidedWorkload[],
  name: string | undefined,
): ProvidedWorkload {
  const found = workloads.find((workload) => workload.name === name);
  if (found !== undefined) return found;
  throw new CloudPhoenixError("NOT_FOUND", `there is no workload ${name}`, { retryable: false });
}
