/** The port `Fencer` by means of the database itself. */
import type { FenceProof, SiteId } from "@cloudphoenix/core";
import type { Fencer } from "@cloudphoenix/engine";
import { FENCE_MEANS, fenceDatabase, forecastFence } from "./fence-database.ts";
import type { PostgresContext } from "./postgres-context.ts";
import { unfenceDatabase } from "./write-access.ts";

export class PostgresFencer implements Fencer {
  readonly means: string = FENCE_MEANS;
  readonly #context: PostgresContext;

  constructor(context: PostgresContext) {
    this.#context = context;
  }

  fence(site: SiteId, generation: number, signal: AbortSignal): Promise<FenceProof> {
    return fenceDatabase(this.#context, site, generation, signal);
  }

  unfence(site: SiteId, generation: number, signal: AbortSignal): Promise<void> {
    return unfenceDatabase(this.#context, { site, generation }, signal);
  }

  forecast(site: SiteId, signal: AbortSignal): Promise<FenceProof> {
    return forecastFence(this.#context, site, signal);
  }
}
