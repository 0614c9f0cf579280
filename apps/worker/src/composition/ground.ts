/** What a worker stands on: the stores of all sites, and the state database. */
import { type Log, openStateDatabase, type StateDatabase } from "@cloudphoenix/adapter-dbos";
import type { Configuration } from "@cloudphoenix/config";
import { CloudPhoenixError } from "@cloudphoenix/core";
import { firstRoles, stateAddress } from "@cloudphoenix/state";
import type { Logger } from "pino";
import { closeSiteStores, openSiteStores, type SiteStores } from "./site-stores.ts";

export interface Ground {
  readonly configuration: Configuration;
  readonly stores: SiteStores;
  readonly state: StateDatabase;
}

const STATE_START_LIMIT_MS = 60_000;

/** @throws {CloudPhoenixError} `CONFIG_INVALID`, `STATE_UNAVAILABLE`, `STATE_VERSION`, … */
export async function openGround(configuration: Configuration, log: Logger): Promise<Ground> {
  if (configuration.objects === null) {
    throw new CloudPhoenixError("CONFIG_INVALID", "the configuration has no objects to copy", {
      retryable: false,
      hint: "Add an `objects` section, and `objects` with a store to every site.",
    });
  }
  const stores = await openSiteStores(configuration.sites, process.env);
  try {
    return { configuration, stores, state: await openState(configuration, log) };
  } catch (error) {
    closeSiteStores(stores);
    throw error;
  }
}

export async function closeGround({ stores, state }: Ground): Promise<void> {
  closeSiteStores(stores);
  await state.close();
}

async function openState(configuration: Configuration, log: Logger): Promise<StateDatabase> {
  const address = await stateAddress(
    configuration.state,
    AbortSignal.timeout(STATE_START_LIMIT_MS),
  );
  const adapterLog: Log = (level, message) => log[level](message);
  return openStateDatabase({
    url: address.url,
    application: configuration.application.name,
    initialRoles: firstRoles(configuration.application),
    log: adapterLog,
  });
}
