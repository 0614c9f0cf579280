/** What the controller knows of the application's objects and can have done about them. */
import type { PostgresReplication } from "@cloudphoenix/adapter-postgres";
import type { Configuration } from "@cloudphoenix/config";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Clock, FactStore, ObjectParts, Random, WorkQueue } from "@cloudphoenix/engine";
import { type Environment, openSiteStore } from "@cloudphoenix/stores";
import type { Logger } from "pino";
import { QueuedObjectDesk } from "../objects/queued-object-desk.ts";
import { ToldObjectWatch } from "../objects/told-object-watch.ts";

export interface ObjectPiecesOptions {
  readonly configuration: Configuration;
  readonly postgres: Pick<PostgresReplication, "referencedKeys">;
  readonly facts: FactStore;
  readonly work: WorkQueue;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly environment: Environment;
}

/** The parts as the engine takes them; the watch also has to be run. */
export interface ObjectPieces extends ObjectParts {
  readonly watch: ToldObjectWatch;
}

/** Null where the application has no objects. */
export function objectPieces(options: ObjectPiecesOptions): ObjectPieces | null {
  const { configuration, postgres, facts, work, clock, random, log, environment } = options;
  const { application, objects, sites } = configuration;
  if (objects === null) return null;
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
      openPlace: async (site) => {
        const store = sites.find(({ id }) => id === site)?.objects ?? null;
        if (store === null) throw noStore(site);
        return (await openSiteStore({ ...store, hintsUrl: null }, environment)).place;
      },
    }),
  };
}

function noStore(site: string): CloudPhoenixError {
  return new CloudPhoenixError("NOT_FOUND", `${site} has no object store in the configuration`, {
    retryable: false,
  });
}
