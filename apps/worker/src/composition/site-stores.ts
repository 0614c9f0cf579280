/** The object stores of the application's sites, as this process reaches them. */
import type { SiteConfiguration } from "@cloudphoenix/config";
import { CloudPhoenixError, messageOf, type SiteId } from "@cloudphoenix/core";
import { type Environment, openSiteStore, type OpenSiteStore } from "@cloudphoenix/stores";

export type SiteStores = ReadonlyMap<SiteId, OpenSiteStore>;

/**
 * One store per site. Asks nobody yet.
 * @throws {CloudPhoenixError} `CONFIG_INVALID` naming every store that cannot be opened
 */
export async function openSiteStores(
  sites: readonly Pick<SiteConfiguration, "id" | "objects">[],
  environment: Environment,
): Promise<SiteStores> {
  const stores = new Map<SiteId, OpenSiteStore>();
  const failures: string[] = [];
  for (const { id, objects } of sites) {
    try {
      if (objects === null) throw new Error("it has no object store");
      stores.set(id, await openSiteStore(objects, environment));
    } catch (error) {
      failures.push(`${id}: ${messageOf(error)}`);
    }
  }
  if (failures.length === 0) return stores;
  closeSiteStores(stores);
  throw new CloudPhoenixError("CONFIG_INVALID", failures.join("\n"), {
    retryable: false,
    hint: "Correct every store named above, then start again.",
  });
}

export function closeSiteStores(stores: SiteStores): void {
  for (const store of stores.values()) store.close();
}

/** @throws {CloudPhoenixError} `NOT_FOUND` */
export function storeOf(stores: SiteStores, site: SiteId): OpenSiteStore {
  const store = stores.get(site);
  if (store !== undefined) return store;
  throw new CloudPhoenixError("NOT_FOUND", `${site} has no object store in the configuration`, {
    retryable: false,
    hint: "Start this worker with the configuration that the controller uses.",
  });
}
