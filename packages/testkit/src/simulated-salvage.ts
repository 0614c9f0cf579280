/** Bringing a returned site back, in the simulated world. Nothing ever diverges in it. */
import { CloudPhoenixError, type SiteId } from "@cloudphoenix/core";
import type { Salvage } from "@cloudphoenix/engine";
import { accept } from "./simulated-database.ts";
import type { SimulatedWorld } from "./simulated-world.ts";

export function simulatedSalvage(world: SimulatedWorld): Salvage {
  return {
    inspect: (from, _appliedLsn, signal) =>
      world.perform({
        name: `divergence ${from}`,
        site: from,
        signal,
        effect: () => ({
          transactions: 0,
          rowsByTable: {},
          truncatesTables: [],
          firstAtMs: null,
          lastAtMs: null,
          rpoMs: 0,
          repairable: true,
          obstacles: [],
          fullCopyTables: [],
        }),
      }),
    async *rows() {
      yield* [];
    },
    reapply: async () => ({ applied: 0, conflicting: 0, conflicts: [], alreadyDone: false }),
    rejoin: (site, to, { generation }, signal) =>
      world.perform({
        name: `rejoin ${site}`,
        site,
        signal,
        effect: () => {
          const alreadyDone = follow(world, site, to, generation);
          return { deleted: 0, restored: 0, tables: [], fullCopyTables: [], alreadyDone };
        },
      }),
    compare: (writer, follower, signal) =>
      world.perform({
        name: `compare ${writer}`,
        site: follower,
        signal,
        effect: () => {
          if (world.site(follower).database.follows === writer) {
            return { lsn: "0/3000000", tables: [], unsettled: [], equal: true };
          }
          throw new CloudPhoenixError("REPLICATION_BROKEN", `${follower} does not follow`, {
            retryable: false,
          });
        },
      }),
  };
}

/** @returns whether it followed before */
function follow(world: SimulatedWorld, site: SiteId, to: SiteId, generation: number): boolean {
  const { database } = world.site(site);
  const writer = world.site(to).database;
  accept(writer, generation);
  accept(database, generation);
  if (writer.role !== "active" || database.role === "active") {
    throw new CloudPhoenixError("CONFLICT", `${site} cannot follow ${to}`, { retryable: false });
  }
  const before = database.role === "standby" && database.follows === to;
  const standby = { role: "standby", roleBefore: null, writesOpen: false, promotedFrom: null };
  Object.assign(database, { ...standby, follows: to });
  return before;
}
