/** The database server of a site through its local provider API. */
import type { SiteId } from "@cloudphoenix/core";
import type { DatabaseHost } from "@cloudphoenix/engine";
import { fieldOf, SiteApis, type SiteApisOptions } from "./site-apis.ts";

/** Idempotent: restarting a server that runs leaves it alone. Errors as `callApi` maps them. */
export class LocalDatabaseHost implements DatabaseHost {
  readonly #apis: SiteApis;

  /** A restart replays the log before it answers, so `timeoutMs` defaults to 15 s here. */
  constructor(options: SiteApisOptions) {
    this.#apis = new SiteApis({ timeoutMs: 15_000, ...options });
  }

  async inspect(site: SiteId, signal: AbortSignal): Promise<"running" | "stopped"> {
    const answer = await this.#apis.call(site, { method: "GET", path: "/v1/database" }, signal);
    return fieldOf(answer, "state") === "running" ? "running" : "stopped";
  }

  async restart(
    site: SiteId,
    change: { readonly generation: number },
    signal: AbortSignal,
  ): Promise<void> {
    const path = "/v1/database/restart";
    await this.#apis.call(site, { method: "POST", path, body: change }, signal);
  }
}
