/**
 * The network control plane: refuses every way into a site, from outside of it.
 *
 * 1. A fenced site is refused to clients and to replication of its peers; the management paths of
 *    the controller stay open, so that a fenced site can still be examined and repaired.
 * 2. A generation older than the one recorded for the site changes nothing.
 */
import { CloudPhoenixError, type Json } from "@cloudphoenix/core";
import { booleanField, countField } from "../http/body-fields.ts";
import type { Route } from "../http/json-api.ts";
import type { LinkSet } from "./link-set.ts";
import type { LinkSpec, NetworkSite } from "./operations.ts";

interface FenceState {
  readonly fenced: boolean;
  readonly generation: number;
}

/** Remembers and applies the fence of each site. */
export class NetworkFence {
  readonly #links: LinkSet;
  readonly #sites: ReadonlyMap<string, NetworkSite>;
  readonly #states = new Map<string, FenceState>();

  constructor(links: LinkSet, sites: readonly NetworkSite[]) {
    this.#links = links;
    this.#sites = new Map(sites.map((site) => [site.id, site]));
  }

  /** `GET` and `PUT /v1/sites/:site/network`. */
  routes(): readonly Route[] {
    const path = "/v1/sites/:site/network";
    return [
      { method: "GET", path, handle: ({ params }) => answer(this.#stateOf(this.#site(params))) },
      {
        method: "PUT",
        path,
        handle: ({ params, body }) => {
          const fenced = booleanField(body, "fenced");
          const generation = countField(body, "generation");
          return answer(this.#put(this.#site(params), { fenced, generation }));
        },
      },
    ];
  }

  #put(site: NetworkSite, wanted: FenceState): FenceState {
    const { generation } = this.#stateOf(site);
    if (wanted.generation < generation) {
      const message = `generation ${wanted.generation} is older than ${generation} of ${site.id}`;
      throw new CloudPhoenixError("STALE_GENERATION", message, { retryable: false });
    }
    const owner = `fence:${site.id}`;
    if (wanted.fenced) this.#links.impair(owner, this.#waysInto(site), { refuse: true });
    else this.#links.repair(owner);
    this.#states.set(site.id, wanted);
    return wanted;
  }

  #waysInto(site: NetworkSite): readonly string[] {
    const forUsersAndPeers = (link: LinkSpec): boolean =>
      link.to === site.place &&
      link.from !== "control" &&
      ["entry", "store", "uptime", "postgres"].includes(link.what);
    return this.#links.names(forUsersAndPeers);
  }

  #stateOf(site: NetworkSite): FenceState {
    return this.#states.get(site.id) ?? { fenced: false, generation: 0 };
  }

  #site(params: Readonly<Record<string, string>>): NetworkSite {
    const site = this.#sites.get(params["site"] ?? "");
    if (site !== undefined) return site;
    const message = `there is no site ${params["site"]}`;
    throw new CloudPhoenixError("NOT_FOUND", message, { retryable: false });
  }
}

function answer(state: FenceState): Json {
  return { fenced: state.fenced, generation: state.generation };
}
