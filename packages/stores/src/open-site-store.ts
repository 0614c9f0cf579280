/** The store of a site as the configuration names it, with the queue of its change events. */
import { type ObjectAddress, parseObjectAddress } from "./object-address.ts";
import { type OpenHints, openHints } from "./open-hints.ts";
import { type OpenPlace, openPlace } from "./open-place.ts";
import type { Environment } from "./store-keys.ts";

/** As `sites[].objects` of the configuration. */
export interface SiteStoreSettings {
  readonly url: string;
  /** Static keys; null: the role of the process. */
  readonly credentialsFile: string | null;
  /** Null: there is no queue. */
  readonly hintsUrl: string | null;
}

export interface OpenSiteStore {
  readonly place: OpenPlace;
  /** Null: there are none. */
  readonly hints: OpenHints | null;
  /** Closes both. */
  close(): void;
}

/** Asks nobody yet. @throws {CloudPhoenixError} as `parseObjectAddress` and `openPlace` */
export async function openSiteStore(
  settings: SiteStoreSettings,
  environment: Environment,
): Promise<OpenSiteStore> {
  const address: ObjectAddress = {
    ...parseObjectAddress(settings.url),
    credentialsFile: settings.credentialsFile,
  };
  const place = await openPlace(address, environment);
  if (settings.hintsUrl === null) return { place, hints: null, close: () => place.close() };
  const hints = await openHints(address, new URL(settings.hintsUrl), environment);
  return {
    place,
    hints,
    close() {
      place.close();
      hints.close();
    },
  };
}
