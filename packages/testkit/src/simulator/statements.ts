/** Statements of one process at the databases of all sites. */
import { type SiteId, hasCode } from "@cloudphoenix/core";
import type { Process } from "./process.ts";
import type { Site } from "./sites.ts";
import type { World } from "./world.ts";

/** A statement at the database of a site. */
export type Ask = <T>(
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

/** How long the real adapter waits to connect, and for an answer in a session it has. */
const CONNECT_LIMIT_MS = 1_500;
const STATEMENT_LIMIT_MS = 10_500;
/** A session nobody used for so long is closed. */
const IDLE_LIMIT_MS = 10_000;

/** A session that ended like this is thrown away. */
const LOST_SESSION = ["ABORTED", "TIMED_OUT", "UNREACHABLE"] as const;

/** The same for statements with the limits of the real adapter. */
export function sessionsOf(world: World, client: Process): Ask {
  const answeredAtMs = new Map<SiteId, number>();
  return async (id, signal, effect) => {
    const site = world.site(id);
    const to = site.database.process;
    const heardMs = answeredAtMs.get(id);
    const connected = heardMs !== undefined && client.clock.now() - heardMs < IDLE_LIMIT_MS;
    try {
      const limit = connected
        ? ({ limitMs: STATEMENT_LIMIT_MS, silence: "TIMED_OUT" } as const)
        : ({ limitMs: CONNECT_LIMIT_MS, silence: "UNREACHABLE" } as const);
      const answer = await world.network.call({
        from: client,
        to,
        signal,
        effect: () => effect(site),
        ...limit,
      });
      answeredAtMs.set(id, client.clock.now());
      return answer;
    } catch (error) {
      if (LOST_SESSION.some((code) => hasCode(error, code))) answeredAtMs.delete(id);
      throw error;
    }
  };
}
