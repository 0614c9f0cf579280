/** What a service depends on, and how to ask whether it works. */
import type { Database } from "../database/database.ts";
import type { SiteWatch } from "../failover/site-watch.ts";

export type Status = "healthy" | "degraded" | "unhealthy";

/** One dependency and how to ask it. */
export interface DependencyCheck {
  /** One word; part of the JSON that probes read. */
  readonly name: string;
  /** Whether the service is useless without it. Others only degrade it. */
  readonly critical: boolean;
  /** Whether requests may still be sent here while it fails, because some are served. Default false. */
  readonly keepsReady?: boolean;
  /** Slower than this, it works but people notice. Default 200 ms. */
  readonly slowMs?: number;
  /** Default 400 ms. */
  readonly timeoutMs?: number;
  /** Resolves if the dependency works. @throws {Error} if it does not */
  check(signal: AbortSignal): Promise<CheckAnswer>;
}

/** What a check that passed has to add. */
export interface CheckAnswer {
  /** Why the dependency works but not well, in words that are safe to publish. */
  readonly degraded?: string;
  /** Why it does not work although it could be asked, in words that are safe to publish. */
  readonly unhealthy?: string;
  /** If not the time the check took. */
  readonly responseMs?: number;
}

/** How one dependency is. */
export interface DependencyHealth {
  readonly name: string;
  readonly status: Status;
  readonly responseMs: number;
  /** Why it is not healthy, in words that are safe to publish. */
  readonly error?: string;
  /** The last failure of this dependency and how long ago it was, healthy or not. */
  readonly lastError?: { readonly error: string; readonly agoMs: number };
}

/**
 * Whether the database answers, over a connection that requests cannot use up. A service that
 * watches its site passes the watch, so that one question serves both.
 */
export function databaseCheck(
  database: Pick<Database, "control">,
  watch?: SiteWatch,
): DependencyCheck {
  return {
    name: "database",
    critical: true,
    check: async () => {
      if (watch === undefined) {
        await database.control({ name: "alive", text: "select 1" });
        return {};
      }
      const seen = await watch.observe();
      if (seen.failure !== null) throw seen.failure;
      return { responseMs: seen.responseMs };
    },
  };
}

/**
 * Whether a site that is open may write: its lease is renewed by the site's agent, and the database
 * refuses writes once it has lapsed. A site that is shut needs none. Reads go on, so the service
 * stays ready.
 */
export function leaseCheck(watch: Pick<SiteWatch, "observe">): DependencyCheck {
  return {
    name: "writer-lease",
    critical: true,
    keepsReady: true,
    check: async () => {
      const { record } = await watch.observe();
      // A database that does not answer has a check of its own; blaming the lease, too, would send
      // whoever heals to the wrong place.
      if (record?.leaseLapsed !== true) return { responseMs: 0 };
      const unhealthy = "lapsed: writes are refused until the agent of this site renews it";
      return { unhealthy, responseMs: 0 };
    },
  };
}
