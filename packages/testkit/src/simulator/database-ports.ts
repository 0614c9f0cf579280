/** The databases of all sites as one controller reaches them. */
import { CloudPhoenixError, type LossBound, type SiteId } from "@cloudphoenix/core";
import type {
  DatabaseControl,
  DatabaseHost,
  DatabaseState,
  Promotion,
  SiteLease,
} from "@cloudphoenix/engine";
import { lsnText, stale } from "./database.ts";
import type { Process } from "./process.ts";
import type { Site } from "./sites.ts";
import type { World } from "./world.ts";

/** The newest heartbeat a controller knows to be acknowledged, per site. */
export type BeatMemory = Map<SiteId, { readonly atMs: number; readonly position: number }>;

/** Commits up to one interval after a heartbeat are not bounded by it. */
export const BEAT_EVERY_MS = 500;

const DRAIN_POLL_MS = 20;

/** A statement at the database of a site. */
type Ask = <T>(
  site: SiteId,
  signal: AbortSignal | undefined,
  effect: (site: Site) => T | Promise<T>,
) => Promise<T>;

/** Statements of `client` at any site's database. */
export function statementsOf(world: World, client: Process): Ask {
  return (id, signal, effect) => {
    const site = world.site(id);
    const to = site.database.process;
    return world.network.call({ from: client, to, signal, effect: () => effect(site) });
  };
}

export function databaseControl(world: World, client: Process, beats: BeatMemory): DatabaseControl {
  const ask = statementsOf(world, client);
  return {
    inspect: (id, signal) => ask(id, signal, stateOf),
    async fence(id, generation, signal) {
      await ask(id, signal, ({ database }) => {
        database.accept(generation);
        world.truth.note(`${id} is fenced by its database for ${generation}`);
        database.role = "fenced";
        database.writesOpen = false;
        database.endSessions();
        database.waitsForStandby = false;
      });
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
    drain: (from, to, signal) => drain(world, { client, ask, from, to }, signal),
    async lossBound(from, to, signal) {
      const bound = await lossBound(world, { client, ask, from, to }, { beats, signal });
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
    measureLoss: async () => ({
      transactions: 0,
      rowsByTable: {},
      keysByTable: {},
      truncated: false,
      rpoMs: 0,
    }),
  };
}

function stateOf({ id, database }: Site): DatabaseState {
  const { role, generation, writesOpen, durability } = database;
  return { site: id, role, generation, writesOpen, durability, version: "18" };
}

interface Drain {
  readonly client: Process;
  readonly ask: Ask;
  readonly from: SiteId;
  readonly to: SiteId;
}

/** Compares positions as numbers. As text, `0/FFFFFF8` would come after `0/10000030`. */
async function drain(
  world: World,
  { client, ask, from, to }: Drain,
  signal: AbortSignal,
): Promise<{ readonly lsn: string }> {
  const { shortPositions } = world.settings;
  const lsn = await ask(from, signal, ({ database }) => {
    if (database.writesOpen) {
      throw new CloudPhoenixError("CONFLICT", `writes are open at ${from}`, { retryable: false });
    }
    return lsnText(database.log.length, shortPositions);
  });
  for (;;) {
    const confirmed = await ask(from, signal, ({ database }) =>
      lsnText(database.confirmed.get(to) ?? 0, shortPositions),
    );
    const reached = world.sabotages.has("lsn-as-text")
      ? confirmed >= lsn
      : parseLsn(confirmed) >= parseLsn(lsn);
    if (reached) return { lsn };
    await client.clock.sleep(DRAIN_POLL_MS, signal);
  }
}

function parseLsn(text: string): bigint {
  const [high = "0", low = "0"] = text.split("/");
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

async function lossBound(
  world: World,
  { client, ask, from, to }: Drain,
  { beats, signal }: { readonly beats: BeatMemory; readonly signal: AbortSignal },
): Promise<LossBound> {
  const reading = await ask(to, signal, ({ database }) => ({
    applied: database.promotion?.applied ?? database.follows?.applied ?? null,
    beat: database.promotion === null ? database.newestBeat() : database.promotion.beat,
  }));
  world.judge.measured(client.name, { from, to }, reading.beat);
  const seen = beats.get(from);
  const completeUntilMs = reading.beat?.atMs ?? null;
  return {
    completeUntilMs,
    lastAliveAtMs: seen?.atMs ?? null,
    boundMs:
      seen === undefined || completeUntilMs === null
        ? null
        : Math.max(0, seen.atMs - completeUntilMs) + BEAT_EVERY_MS,
    boundBytes: null,
    appliedLsn:
      reading.applied === null ? null : lsnText(reading.applied, world.settings.shortPositions),
  };
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

/** The provider's API for the database servers: it answers while the site has power. */
export function databaseHost(world: World, client: Process): DatabaseHost {
  const ask = <T>(id: SiteId, signal: AbortSignal, effect: (site: Site) => T): Promise<T> => {
    const site = world.site(id);
    return world.network.call({
      from: client,
      to: site.provider,
      signal,
      effect: () => effect(site),
    });
  };
  return {
    inspect: (id, signal) =>
      ask(id, signal, ({ database }) => (database.process.up ? "running" : "stopped")),
    restart: (id, { generation }, signal) =>
      ask(id, signal, (site) => {
        acceptAtPlatform(world, site, generation);
        world.truth.note(`the database of ${id} is restarted`);
        if (world.heldDown.has(site.database.process)) return;
        if (site.database.process.up) site.database.crash();
        site.database.process.start();
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
