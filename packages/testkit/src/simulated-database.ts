/** The databases of the simulated world behind `DatabaseControl`, `DatabaseHost` and watch. */
import {
  CloudPhoenixError,
  type LossReport,
  type ReplicationFacts,
  type SiteId,
  hasCode,
  unprovenBecause,
} from "@cloudphoenix/core";
import type { DatabaseControl, DatabaseHost, ReplicationWatch } from "@cloudphoenix/engine";
import { type SimulatedWorld, answers } from "./simulated-world.ts";
import type { Heartbeats, SimulatedDatabase, WorldState } from "./world-state.ts";

/** How long the real adapter waits to connect. */
const CONNECT_LIMIT_MS = 1_500;
/** How long the real client of the platform waits: a start replays the log first. */
const HOST_LIMIT_MS = 15_000;

const DRAIN_POLL_MS = 10;
const DRAIN_LIMIT_MS = 60_000;

/** One question to, or change of, the database of a site. */
type Ask = <T>(
  name: string,
  site: SiteId,
  signal: AbortSignal,
  effect: (database: SimulatedDatabase, state: WorldState) => T,
) => Promise<T>;

export function simulatedDatabases(world: SimulatedWorld): DatabaseControl {
  const ask: Ask = (name, site, signal, effect) =>
    world.perform({
      name: `${name} ${site}`,
      site,
      signal,
      limitMs: CONNECT_LIMIT_MS,
      effect: (state) => effect(running(world, site), state),
    });
  return {
    inspect: (site, signal) =>
      ask("inspect", site, signal, ({ role, generation, writesOpen }) => {
        return { site, role, generation, writesOpen, durability: "async", version: "18" };
      }),
    async fence(site, generation, signal) {
      try {
        await ask("fence", site, signal, (database) => {
          accept(database, generation);
          world.replicate();
          if (database.role !== "fenced") database.roleBefore = database.role;
          database.role = "fenced";
          database.writesOpen = false;
        });
      } catch (error) {
        if (hasCode(error, "ABORTED")) throw error;
        return unprovenBecause("database", error);
      }
      return { means: "database", degree: "confirmed", detail: "writes are refused" };
    },
    unfence: (site, generation, signal) =>
      ask("unfence", site, signal, (database) => {
        accept(database, generation);
        if (database.role !== "fenced" || database.roleBefore === null) return;
        database.role = database.roleBefore;
        database.roleBefore = null;
        database.writesOpen = database.role === "active";
      }),
    ...promotion(world, ask),
    ...following(world, ask),
  };
}

function following(
  world: SimulatedWorld,
  ask: Ask,
): Pick<DatabaseControl, "drain" | "lossBound" | "measureLoss"> {
  return {
    async drain(from, to, signal) {
      const untilMs = world.clock.now() + DRAIN_LIMIT_MS;
      for (;;) {
        // Named after whom it brings up to date; it is the other one that is asked.
        const lsn = await world.perform({
          name: `drain ${to}`,
          site: from,
          signal,
          limitMs: CONNECT_LIMIT_MS,
          effect: () => drainedUpTo(world, from, to),
        });
        if (lsn !== null) return { lsn };
        if (world.clock.now() >= untilMs) {
          throw new CloudPhoenixError("TIMED_OUT", `${to} does not get everything of ${from}`, {
            retryable: true,
          });
        }
        await world.clock.sleep(DRAIN_POLL_MS, signal);
      }
    },
    lossBound: (from, to, signal) =>
      world.perform({
        name: `loss ${from}`,
        site: to,
        signal,
        limitMs: CONNECT_LIMIT_MS,
        effect: () => {
          world.replicate();
          running(world, to);
          const { appliedAtMs, writtenAtMs } = heartbeatsOf(world, to);
          return {
            completeUntilMs: appliedAtMs,
            lastAliveAtMs: writtenAtMs,
            boundMs: writtenAtMs - appliedAtMs,
            boundBytes: null,
            appliedLsn: lsnAt(appliedAtMs),
          };
        },
      }),
    measureLoss: (from, appliedLsn, signal) =>
      ask("measure", from, signal, (database) => {
        refuseOpenWrites(from, database);
        return lossBehind(database.commitsAtMs, appliedLsn);
      }),
  };
}

/** What a site knows of the one it follows, or was promoted from. */
export function heartbeatsOf({ state }: SimulatedWorld, site: SiteId): Readonly<Heartbeats> {
  const promoted = state.sites[site]?.database.promotedFrom !== null;
  return (promoted ? state.replication.atPromotion[site] : undefined) ?? state.replication;
}

/** The position everything is applied to; null while the standby gets nothing. */
function drainedUpTo(world: SimulatedWorld, from: SiteId, to: SiteId): string | null {
  const { replication } = world.state;
  refuseOpenWrites(from, running(world, from));
  const follower = world.site(to);
  const { follows, promotedFrom } = follower.database;
  if (follows !== from && promotedFrom !== from) {
    throw new CloudPhoenixError("REPLICATION_BROKEN", `${to} does not follow ${from}`, {
      retryable: false,
    });
  }
  // What is shut off from its followers can never be drained.
  if (world.site(from).network.fenced) throw unreachable(from);
  if (follows !== from || replication.stalled || !answers(follower)) return null;
  if (!follower.database.running) return null;
  replication.appliedAtMs = replication.writtenAtMs;
  return lsnAt(replication.writtenAtMs);
}

function refuseOpenWrites(site: SiteId, { writesOpen }: SimulatedDatabase): void {
  if (!writesOpen) return;
  throw new CloudPhoenixError("CONFLICT", `writes are open at ${site}`, { retryable: false });
}

/** Every transaction has one row in one table; its key is its number. */
function lossBehind(commitsAtMs: readonly number[], appliedLsn: string): LossReport {
  const lost = commitsAtMs.flatMap((atMs, index) =>
    positionOf(appliedLsn) < BigInt(atMs) ? [{ atMs, key: String(index) }] : [],
  );
  const [oldest] = lost;
  if (oldest === undefined) return NO_LOSS;
  return {
    transactions: lost.length,
    rowsByTable: { writes: lost.length },
    keysByTable: { writes: lost.map(({ key }) => key) },
    truncated: false,
    rpoMs: (lost.at(-1) ?? oldest).atMs - (commitsAtMs[Number(oldest.key) - 1] ?? oldest.atMs),
  };
}

const NO_LOSS: LossReport = {
  transactions: 0,
  rowsByTable: {},
  keysByTable: {},
  truncated: false,
  rpoMs: 0,
};

/** The log grows by one byte a millisecond, so that its positions are times. */
function lsnAt(atMs: number): string {
  const halves = [BigInt(atMs) >> 32n, BigInt(atMs) & 0xffff_ffffn];
  return halves.map((half) => half.toString(16).toUpperCase()).join("/");
}

function positionOf(lsn: string): bigint {
  const [high = "0", low = "0"] = lsn.split("/");
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

function promotion(
  world: SimulatedWorld,
  ask: Ask,
): Pick<DatabaseControl, "promote" | "openWrites" | "closeWrites"> {
  return {
    promote: (site, from, generation, signal) =>
      ask("promote", site, signal, (database, { replication }) => {
        accept(database, generation);
        const alreadyDone = database.role === "active";
        if (!alreadyDone) {
          refuseIncompleteCopy(database, { site, from });
          world.replicate();
          const { appliedAtMs, writtenAtMs } = replication;
          replication.atPromotion[site] = { appliedAtMs, writtenAtMs };
          Object.assign(database, { role: "active", roleBefore: null, writesOpen: false });
          Object.assign(database, { follows: null, promotedFrom: from });
        }
        const { promotedFrom } = database;
        if (promotedFrom !== from) throw refused(`${site} was not promoted from ${from}`);
        const appliedLsn = lsnAt(heartbeatsOf(world, site).appliedAtMs);
        return { site, appliedLsn, reverseSlot: "back", sequences: {}, alreadyDone };
      }),
    openWrites: (site, generation, signal) =>
      ask("open", site, signal, (database) => {
        refuseOlder(database, generation);
        if (database.role !== "active") throw refused(`${site} was not promoted`);
        accept(database, generation);
        database.writesOpen = true;
      }),
    closeWrites: (site, generation, signal) =>
      ask("close", site, signal, (database) => {
        accept(database, generation);
        world.replicate();
        database.writesOpen = false;
      }),
  };
}

function refuseIncompleteCopy(
  { follows, copyComplete }: SimulatedDatabase,
  { site, from }: { readonly site: SiteId; readonly from: SiteId },
): void {
  if (follows !== from) throw refused(`${site} does not follow ${from}`);
  if (!copyComplete) throw refused(`${site} has no complete copy`);
}

function refused(reason: string): CloudPhoenixError {
  return new CloudPhoenixError("PROMOTION_REFUSED", reason, { retryable: false });
}

/** The platform that runs the servers: it answers while the site is alive. */
export function simulatedDatabaseHost(world: SimulatedWorld): DatabaseHost {
  return {
    inspect: (site, signal) =>
      world.perform({
        name: `host ${site}`,
        site,
        signal,
        limitMs: HOST_LIMIT_MS,
        effect: () => (world.site(site).database.running ? "running" : "stopped"),
      }),
    restart: (site, { generation }, signal) =>
      world.perform({
        name: `restart-database ${site}`,
        site,
        signal,
        limitMs: HOST_LIMIT_MS,
        effect: () => {
          const { database, platform } = world.site(site);
          accept(platform, generation);
          database.running = true;
        },
      }),
  };
}

/** No schema is simulated: it is the same for ever. */
const SIMULATED_SCHEMA = "schema";

export function simulatedReplicationWatch(world: SimulatedWorld): ReplicationWatch {
  return {
    get active() {
      return followed(world);
    },
    facts(): ReplicationFacts {
      world.replicate();
      const { writtenAtMs, appliedAtMs, stalled } = world.state.replication;
      return {
        writtenAtMs,
        appliedAtMs,
        readAtMs: world.clock.now(),
        lagBytes: 0n,
        state: stalled ? "broken" : "streaming",
        detail: stalled ? "the standby does not apply" : "streaming",
      };
    },
    schemaComparison: () => ({
      atMs: world.clock.now(),
      standbyDigest: SIMULATED_SCHEMA,
      differences: [],
    }),
    standbySchema: () => ({ atMs: world.clock.now(), digest: SIMULATED_SCHEMA }),
  };
}

/** The newest active site; while there is none, the one that others follow. */
function followed({ state }: SimulatedWorld): SiteId {
  const sites = Object.values(state.sites);
  const active = sites
    .filter(({ database }) => database.role === "active")
    .toSorted((one, two) => two.database.generation - one.database.generation)[0];
  const site = active?.id ?? sites.flatMap(({ database }) => database.follows ?? [])[0];
  if (site === undefined) throw new RangeError("the world has no active site");
  return site;
}

function running(world: SimulatedWorld, site: SiteId): SimulatedDatabase {
  const { database } = world.site(site);
  if (database.running) return database;
  throw unreachable(site);
}

function unreachable(site: SiteId): CloudPhoenixError {
  return new CloudPhoenixError("UNREACHABLE", `the database of ${site} does not answer`, {
    retryable: true,
  });
}

/** Stores the generation, or refuses: the check every target makes at the write. */
export function accept(target: { generation: number }, generation: number): void {
  refuseOlder(target, generation);
  target.generation = generation;
}

function refuseOlder(target: { readonly generation: number }, generation: number): void {
  if (generation >= target.generation) return;
  throw new CloudPhoenixError(
    "STALE_GENERATION",
    `generation ${generation} was asked for, ${target.generation} is known here`,
    { retryable: false },
  );
}
