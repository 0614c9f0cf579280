/** Stops the writers of a site by refusing every way in, from a control plane outside of it. */
import {
  CloudPhoenixError,
  type FenceProof,
  type Json,
  type SiteId,
  unprovenBecause,
} from "@cloudphoenix/core";
import type { Fencer } from "@cloudphoenix/engine";
import { callApi, type LocalEndpoint } from "./api-client.ts";
import { fieldOf } from "./site-apis.ts";

export interface LocalNetworkFencerOptions {
  readonly endpoint: LocalEndpoint;
  /** Deadline of one call. Default 1000 ms. */
  readonly timeoutMs?: number;
}

/** `network` once the network reads back that the site is fenced for this generation or a newer. */
export class LocalNetworkFencer implements Fencer {
  readonly means = "network";
  readonly #endpoint: LocalEndpoint;
  readonly #timeoutMs: number;

  constructor(options: LocalNetworkFencerOptions) {
    this.#endpoint = options.endpoint;
    this.#timeoutMs = options.timeoutMs ?? 1_000;
  }

  async fence(site: SiteId, generation: number, signal: AbortSignal): Promise<FenceProof> {
    try {
      await this.#put(site, { fenced: true, generation }, signal);
      const state = await this.#get(site, signal);
      const fenced = fieldOf(state, "fenced") === true;
      const recorded = Number(fieldOf(state, "generation"));
      if (fenced && recorded >= generation) {
        const detail = `every way into ${site} is refused (generation ${recorded})`;
        return { means: this.means, degree: "network", detail };
      }
      const detail = `asked for a fence but read back fenced=${fenced}, generation ${recorded}`;
      return { means: this.means, degree: "unproven", detail };
    } catch (error) {
      return unprovenBecause(this.means, error);
    }
  }

  async unfence(site: SiteId, generation: number, signal: AbortSignal): Promise<void> {
    const state = await this.#put(site, { fenced: false, generation }, signal);
    if (fieldOf(state, "fenced") === false) return;
    throw new CloudPhoenixError("CONFLICT", `the network still fences ${site}`, {
      retryable: true,
    });
  }

  async forecast(site: SiteId, signal: AbortSignal): Promise<FenceProof> {
    try {
      await this.#get(site, signal);
      const detail = "the network API answers and can refuse every way in";
      return { means: this.means, degree: "network", detail };
    } catch (error) {
      return unprovenBecause(this.means, error);
    }
  }

  #get(site: SiteId, signal: AbortSignal): Promise<Json> {
    return this.#call({ method: "GET", path: pathOf(site) }, signal);
  }

  #put(site: SiteId, body: Json, signal: AbortSignal): Promise<Json> {
    return this.#call({ method: "PUT", path: pathOf(site), body }, signal);
  }

  #call(call: Parameters<typeof callApi>[1], signal: AbortSignal): Promise<Json> {
    return callApi(this.#endpoint, call, this.#timeoutMs, signal);
  }
}

function pathOf(site: SiteId): string {
  return `/v1/sites/${encodeURIComponent(site)}/network`;
}
