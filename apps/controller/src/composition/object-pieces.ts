/** What the controller knows of the application's objects and can have done about them. */
import type { PostgresReplication } from "@cloudphoenix/adapter-postgres";
import type { Configuration } from "@cloudphoenix/config";
import { CloudPhoenixError, type SiteId } from "@cloudphoenix/core";
import type {
  Clock,
  DivergentObjects,
  FactStore,
  ObjectParts,
  Random,
  WorkQueue,
} from "@cloudphoenix/engine";
import type { CopiedVersions } from "@cloudphoenix/objects";
import { type Environment, openSiteStore } from "@cloudphoenix/stores";
import type { Logger } from "pino";
import type { OpenPlace } from "../objects/open-place.ts";
import { QueuedObjectDesk } from "../objects/queued-object-desk.ts";
import { StoreDivergence } from "../objects/store-divergence.ts";
import { ToldObjectWatch } from "../objects/told-object-watch.ts";

export interface ObjectPiecesOptions {
  readonly configuration: Configuration;
  readonly postgres: Pick<PostgresReplication, "referencedKeys">;
  readonly facts: FactStore;
  readonly copiedVersions: CopiedVersions;
  readonly work: WorkQueue;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly environment: Environment;
}

/** The parts as the engine takes them; the watch also has to be run. */
export interface ObjectPieces extends ObjectParts {
  readonly watch: ToldObjectWatch;
  readonly divergent: DivergentObjects;
}

/** Null where the application has no objects. */
export function objectPieces(options: ObjectPiecesOptions): ObjectPieces | null {
  const { configuration, postgres, facts, copiedVersions, work, clock, random, log } = options;
  const { application, objects, sites } = configuration;
  if (objects === null) return null;
  const openPlace = async (site: SiteId): Promise<OpenPlace> => {
    const store = sites.find(({ id }) => id === site)?.objects ?? null;
    if (store === null) throw noStore(site);
    return (await openSiteStore({ ...store, hintsUrl: null }, options.environment)).place;
  };
  return {
    watch: new ToldObjectWatch({
      application,
      facts,
      clock,
      onTrouble: (message) => {
        if (message === null) log.info("what the follower of the objects tells can be read again");
        else log.warn({ detail: message }, "what the follower of the objects tells cannot be read");
      },
    }),
    desk: new QueuedObjectDesk({
      application,
      work,
      clock,
      random,
      finalSyncMs: objects.finalSyncMs,
      references: (site, signal) =>
        objects.references.map((column) => postgres.referencedKeys(site, column, signal)),
      openPlace,
    }),
    divergent: new StoreDivergence({
      application,
      facts,
      copiedVersions,
      clock,
      random,
      openPlace,
    }),
  };
}

function noStore(site: SiteId): CloudPhoenixError {
  return new CloudPhoenixError("NOT_FOUND", `${site} has no object store in the configuration`, {
    retryable: false,
  });
}
