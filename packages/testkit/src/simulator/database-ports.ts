/** The databases of all sites as one controller reaches them. */
import { CloudPhoenixError, type SiteId, hasCode, unprovenBecause } from "@cloudphoenix/core";
import type {
  DatabaseControl,
  DatabaseHost,
  DatabaseState,
  Promotion,
  SiteLease,
} from "@cloudphoenix/engine";
import type { BeatMemory } from "./beat-memory.ts";
import { lsnText, stale } from "./database.ts";
import { drain, lossBound, measureLoss } from "./draining.ts";
import type { Process } from "./process.ts";
import type { Site } from "./sites.ts";
import { sessionsOf, statementsOf } from "./statements.ts";
import type { World } from "./world.ts";

export function databaseControl(world: World, client: Process, beats: BeatMemory): DatabaseControl {
  const ask = sessionsOf(world, client);
  const way = { world, client, ask };
  return {
    inspect: (id, signal) => ask(id, signal, stateOf),
    async fence(id, generation, signal) {
      try {
        await ask(id, signal, (site) => fence(world, site, generation));
      } catch (error) {
        if (hasCode(error, "ABORTED")) throw error;
        return unprovenBecause("database", error);
      }
      beats.noteStopped(id);
      return { means: "database", degree: "confirmed", detail: "the database refuses writes" };
    },
    unfence: (id, generation, signal) =>
      ask(id, signal, ({ database }) => {
        database.accept(generation);
        if (database.role !== "fenced") return;
        database.role = database.follows === null ? "active" : "standby";
        database.writesOpen = database.role === "active";
        database.waitsForStandby = true;
      }),
    drain: (from, to, signal) => drain(way, { from, to }, signal),
    async lossBound(from, to, signal) {
      const bound = await lossBound(way, { from, to }, { beats, signal });
      return world.sabotages.has("stale-looks-fresh") ? { ...bound, boundMs: 0 } : bound;
    },
    promote: (id, from, generation, signal) =>
      ask(id, signal, (site) => promote(world, site, from, generation)),
    openWrites: (id, generation, signal) =>
      ask(id, signal, ({ database }) => {
        if (generation < database.generation) database.accept(generation);
        if (database.role !== "active") throw refused(`${id} has not been promoted`);
        database.accept(generation);
        database.writesOpen = true;
        world.truth.note(`writes open at ${id} for ${generation}`);
      }),
    closeWrites: (id, generation, signal) =>
      ask(id, signal, ({ database }) => {
        database.accept(generation);
        database.writesOpen = false;
      }),
    measureLoss: (from, appliedLsn, signal) => measureLoss(way, { from, appliedLsn }, signal),
  };
}

/** The lease ends with it: no agent of the site can renew one for an older epoch. */
function fence(world: World, { id, database }: Site, generation: number): void {
  database.accept(generation);
  world.truth.note(`${id} is fenced by its database for ${generation}`);
  database.role = "fenced";
  database.writesOpen = false;
  database.leaseUntilMs = 0;
  database.endSessions();
  database.waitsForStandby = false;
}

function stateOf({ id, database }: Site): DatabaseState {
  const { role, generation, writesOpen, durability } = database;
  return { site: id, role, generation, writesOpen, durability, version: "18" };
}

/** Idempotent, refuses an incomplete copy and a site that follows somebody else. */
function promote(world: World, site: Site, from: SiteId, generation: number): Promotion {
  const { id, database } = site;
  database.accept(generation);
  const { promotion } = database;
  const done = database.role === "active";
  if (done && promotion?.from !== from) throw refused(`${id} was not promoted from ${from}`);
  if (!done) {
    const { follows } = database;
    if (follows?.site !== from) throw refused(`${id} does not follow ${from}`);
    if (!database.copyComplete) throw refused(`${id} has no complete copy`);
    const { applied, beat } = follows;
    database.promotion = { from, generation, applied, beat };
    database.follows = null;
    database.role = "active";
    database.writesOpen = false;
    // Whoever opens the site has to install a lease.
    database.leaseUntilMs = 0;
    database.durability = "async";
    world.judge.promoted(site, generation);
  }
  const lsn =
    database.promotion === null
      ? null
      : lsnText(database.promotion.applied, world.settings.shortPositions);
  return { site: id, appliedLsn: lsn, reverseSlot: "back", sequences: {}, alreadyDone: done };
}

function refused(reason: string): CloudPhoenixError {
  return new CloudPhoenixError("PROMOTION_REFUSED", reason, { retryable: false });
}

/** The lease in the database of a site, as `client` (its agent, or a controller) reaches it. */
export function siteLease(world: World, client: Process, id: SiteId): SiteLease {
  const ask = statementsOf(world, client);
  return {
    read: (signal) => ask(id, signal, ({ database }) => database.leaseState()),
    extend: (grant, signal) => ask(id, signal, ({ database }) => database.extendLease(grant)),
    surrender: (epoch, signal) =>
      ask(id, signal, ({ database }) => {
        database.surrender(epoch);
        world.truth.note(`${id} surrenders to epoch ${epoch}`);
      }),
    promise: (wish, signal) => ask(id, signal, ({ database }) => database.promise(wish)),
    refusePromises: (epoch, signal) =>
      ask(id, signal, ({ database }) => database.refusePromises(epoch)),
  };
}

/** How long the real client of the provider's API waits: a start replays the log first. */
const HOST_LIMIT_MS = 15_000;

/** The provider's API for the database servers: it answers while the site has power. */
export function databaseHost(world: World, client: Process): DatabaseHost {
  const ask = <T>(id: SiteId, signal: AbortSignal, effect: (site: Site) => T): Promise<T> => {
    const site = world.site(id);
    return world.network.call({
      from: client,
      to: site.provider,
      signal,
      limitMs: HOST_LIMIT_MS,
      effect: () => effect(site),
    });
  };
  return {
    inspect: (id, signal) =>
      ask(id, signal, ({ database }) => (database.process.up ? "running" : "stopped")),
    restart: (id, { generation }, signal) =>
      ask(id, signal, (site) => {
        acceptAtPlatform(world, site, generation);
        // A server that runs is left alone, also one that hangs: its sessions may be all there is.
        const { process } = site.database;
        if (process.up || world.heldDown.has(process)) return;
        world.truth.note(`the database of ${id} is restarted`);
        process.start();
      }),
  };
}

/** The generation check of the platform of a site. */
export function acceptAtPlatform(world: World, site: Site, generation: number): void {
  const ignored = world.sabotages.has("ignore-generation");
  if (generation < site.platformGeneration && !ignored) {
    throw stale(`the platform of ${site.id}`, generation, site.platformGeneration);
  }
  world.truth.changed(`the platform of ${site.id}`, generation, site.platformGeneration);
  site.platformGeneration = generation;
}
