/** The provider APIs of all sites behind one call, so that every client fails the same way. */
import { CloudPhoenixError, type Json, type SiteId } from "@cloudphoenix/core";
import { type ApiCall, callApi, type LocalEndpoint } from "./api-client.ts";

/** What every client of a site's provider API needs. */
export interface SiteApisOptions {
  readonly endpoints: ReadonlyMap<SiteId, LocalEndpoint>;
  /**
   * Deadline of one call, default 1000 ms: the APIs answer in a few milliseconds, and a failover
   * must not wait long for a site that is gone.
   */
  readonly timeoutMs?: number;
}

/** Calls the provider API of a site. */
export class SiteApis {
  readonly #endpoints: ReadonlyMap<SiteId, LocalEndpoint>;
  readonly #timeoutMs: number;

  constructor(options: SiteApisOptions) {
    this.#endpoints = options.endpoints;
    this.#timeoutMs = options.timeoutMs ?? 1_000;
  }

  /** @throws {CloudPhoenixError} `NOT_FOUND` for a site without endpoint, else as `callApi` */
  async call(site: SiteId, call: ApiCall, signal: AbortSignal): Promise<Json> {
    const endpoint = this.#endpoints.get(site);
    if (endpoint === undefined) {
      throw new CloudPhoenixError("NOT_FOUND", `site ${site} has no provider API`, {
        retryable: false,
        hint: `Configure provider.url of site ${site}.`,
      });
    }
    return callApi(endpoint, call, this.#timeoutMs, signal);
  }
}

/** Field `name` of an answer. @throws {CloudPhoenixError} `INTERNAL` if the answer lacks it */
export function fieldOf(answer: Json, name: string): Json {
  const value = isObject(answer) ? answer[name] : undefined;
  if (value === undefined) {
    throw new CloudPhoenixError("INTERNAL", `the answer of a local API lacks "${name}"`, {
      retryable: false,
      hint: "Check that controller and sandbox are of the same version.",
    });
  }
  return value;
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
