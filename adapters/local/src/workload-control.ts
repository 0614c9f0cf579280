/** Workloads of a site through its local provider API. */
import type { Json, SiteId } from "@cloudphoenix/core";
import type { WorkloadControl, WorkloadState } from "@cloudphoenix/engine";
import { fieldOf, SiteApis, type SiteApisOptions } from "./site-apis.ts";

/** Idempotent by the contract of the provider API; errors as `callApi` maps them. */
export class LocalWorkloadControl implements WorkloadControl {
  readonly #apis: SiteApis;

  constructor(options: SiteApisOptions) {
    this.#apis = new SiteApis(options);
  }

  async inspect(site: SiteId, workload: string, signal: AbortSignal): Promise<WorkloadState> {
    const answer = await this.#apis.call(site, { method: "GET", path: pathOf(workload) }, signal);
    return {
      desired: Number(fieldOf(answer, "desired")),
      ready: Number(fieldOf(answer, "ready")),
      troubles: textsOf(fieldOf(answer, "troubles")),
    };
  }

  async scale(
    site: SiteId,
    workload: string,
    change: { readonly replicas: number; readonly generation: number },
    signal: AbortSignal,
  ): Promise<void> {
    const path = `${pathOf(workload)}/scale`;
    await this.#apis.call(site, { method: "PUT", path, body: change }, signal);
  }

  async restart(
    site: SiteId,
    workload: string,
    change: { readonly generation: number },
    signal: AbortSignal,
  ): Promise<void> {
    const path = `${pathOf(workload)}/restart`;
    await this.#apis.call(site, { method: "POST", path, body: change }, signal);
  }
}

function pathOf(workload: string): string {
  return `/v1/workloads/${encodeURIComponent(workload)}`;
}

function textsOf(value: Json): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
