/** The databases of the simulated world behind `DatabaseControl`, `DatabaseHost` and watch. */
import { CloudPhoenixError, type ReplicationFacts, type SiteId } from "@cloudphoenix/core";
import type { DatabaseControl, DatabaseHost, ReplicationWatch } from "@cloudphoenix/engine";
import type { SimulatedWorld } from "./simulated-world.ts";
import type { SimulatedDatabase, WorldState } from "./world-state.ts";

export function simulatedDatabases(world: SimulatedWorld): DatabaseControl {
  const change: Change = (name, site, signal, effect) =>
    world.perform({
      name: `${name} ${site}`,
      site,
      signal,
      effect: (state) => effect(running(world, site), state),
    });
  return {
    inspect: (site, signal) =>
      world.perform({
        name: `inspect ${site}`,
        site,
        signal,
        effect: () => {
          const { role, generation, writesOpen } = running(world, site);
          return { site, role, generation, writesOpen, durability: "async", version: "18" };
        },
      }),
    async fence(site, generation, signal) {
      await change("fence", site, signal, (database) => {
        accept(database, generation);
        if (database.role !== "fenced") database.roleBefore = database.role;
        database.role = "fenced";
        database.writesOpen = false;
      });
      return { means: "database", degree: "confirmed", detail: "writes are refused" };
    },
    unfence: (site, generation, signal) =>
      change("unfence", site, signal, (database) => {
        accept(database, generation);
        if (database.role !== "fenced" || database.roleBefore === null) return;
        database.role = database.roleBefore;
        database.roleBefore = null;
        database.writesOpen = database.role === "active";
      }),
    ...promotion(world, change),
    ...following(world, change),
  };
}

type Change = (
  name: string,
  site: SiteId,
  signal: AbortSignal,
  effect: (database: SimulatedDatabase, state: WorldState) => void,
) => Promise<void>;

function following(
  world: SimulatedWorld,
  change: Change,
): Pick<DatabaseControl, "drain" | "lossBound" | "measureLoss"> {
  return {
    async drain(from, to, signal) {
      await change("drain", to, signal, (_database, state) => {
        running(world, from);
        // What is shut off from its followers can never be drained.
        if (world.site(from).network.fenced) throw unreachable(from);
        state.replication.appliedAtMs = state.replication.writtenAtMs;
      });
      return { lsn: "0/3000000" };
    },
    lossBound: (from, to, signal) =>
      world.perform({
        name: `loss ${from}`,
        site: to,
        signal,
        effect: ({ replication }) => {
          world.replicate();
          return {
            completeUntilMs: replication.appliedAtMs,
            lastAliveAtMs: replication.writtenAtMs,
            boundMs: replication.writtenAtMs - replication.appliedAtMs,
            boundBytes: null,
            appliedLsn: "0/3000000",
          };
        },
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

function promotion(
  world: SimulatedWorld,
  change: Change,
): Pick<DatabaseControl, "promote" | "openWrites" | "closeWrites"> {
  return {
    async promote(site, _from, generation, signal) {
      let alreadyDone = false;
      await change("promote", site, signal, (database) => {
        world.replicate();
        alreadyDone = database.role === "active" && database.generation === generation;
        accept(database, generation);
        database.role = "active";
        database.follows = null;
      });
      return { site, appliedLsn: "0/3000000", reverseSlot: "back", sequences: {}, alreadyDone };
    },
    openWrites: (site, generation, signal) =>
      change("open", site, signal, (database) => {
        accept(database, generation);
        if (database.role !== "active") {
          throw new CloudPhoenixError("PROMOTION_REFUSED", `${site} was not promoted`, {
            retryable: false,
          });
        }
        database.writesOpen = true;
      }),
    closeWrites: (site, generation, signal) =>
      change("close", site, signal, (database) => {
        accept(database, generation);
        database.writesOpen = false;
      }),
  };
}

/** The platform that runs the servers: it answers while the site is alive. */
export function simulatedDatabaseHost(world: SimulatedWorld): DatabaseHost {
  return {
    inspect: (site, signal) =>
      world.perform({
        name: `host ${site}`,
        site,
        signal,
        effect: () => (world.site(site).database.running ? "running" : "stopped"),
      }),
    restart: (site, { generation }, signal) =>
      world.perform({
        name: `restart-database ${site}`,
        site,
        signal,
        effect: () => {
          const { database, platform } = world.site(site);
          accept(platform, generation);
          database.running = true;
        },
      }),
  };
}

export function simulatedReplicationWatch(world: SimulatedWorld): ReplicationWatch {
  return {
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
    schemaDifferences: () => [],
  };
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
  if (generation < target.generation) {
    throw new CloudPhoenixError(
      "STALE_GENERATION",
      `generation ${generation} was asked for, ${target.generation} is known here`,
      { retryable: false },
    );
  }
  target.generation = generation;
}
