/** What plans ask of the platform a site runs on. */
import type { FenceProof, SiteId, Status } from "@cloudphoenix/core";

export interface WorkloadState {
  readonly desired: number;
  readonly ready: number;
  /** One line per replica that is not ready. */
  readonly troubles: readonly string[];
}

/**
 * Starts, stops and repairs the application's workloads at a site. Every method is idempotent,
 * gives up with `ABORTED` when `signal` aborts, and throws `UNREACHABLE` (retryable) when the
 * platform does not answer and `NOT_FOUND` for a workload it does not have. A change for an older
 * generation than the newest one there changes nothing and throws `STALE_GENERATION`.
 */
export interface WorkloadControl {
  inspect(site: SiteId, workload: string, signal: AbortSignal): Promise<WorkloadState>;
  /** Sets the replica count; returns once the platform has accepted it, as `inspect` then says. */
  scale(
    site: SiteId,
    workload: string,
    change: { readonly replicas: number; readonly generation: number },
    signal: AbortSignal,
  ): Promise<void>;
  /** Replaces, in place, every replica that is not ready although it has had time to be. */
  restart(
    site: SiteId,
    workload: string,
    change: { readonly generation: number },
    signal: AbortSignal,
  ): Promise<void>;
}

/**
 * Starts the database server of a site again if the platform lets us. Both methods give up with
 * `ABORTED` when `signal` aborts and throw `UNREACHABLE` (retryable) when the platform does not
 * answer, within a limit of their own.
 */
export interface DatabaseHost {
  /** Whether there is a server process, which may hang all the same. */
  inspect(site: SiteId, signal: AbortSignal): Promise<"running" | "stopped">;
  /**
   * Starts a server that is stopped and leaves one alone that runs. Idempotent.
   * @throws {CloudPhoenixError} `STALE_GENERATION`
   */
  restart(
    site: SiteId,
    change: { readonly generation: number },
    signal: AbortSignal,
  ): Promise<void>;
}

/** One independent means to stop the writers of a site. */
export interface Fencer {
  /** For instance `database`, `workload`, `network`. */
  readonly means: string;
  /**
   * Whether it cuts replication out of the site too: then it is left out while a plan still has
   * to drain. Default: only `network` does.
   */
  readonly cutsReplication?: boolean;
  /**
   * Whether readers lose the site, too. A planned move falls back on such a means only if the
   * others cannot confirm. Default: it does not.
   */
  readonly stopsReads?: boolean;
  /**
   * Whether this is the means to rely on when the site cannot be asked. While it can prove nothing,
   * what the site itself would confirm does not count in a forecast. Default: it is not.
   */
  readonly lastResort?: boolean;
  /** How long `fence` may take when nothing is wrong with this means. Default 2 s. */
  readonly patienceMs?: number;
  /**
   * Stops writers as far as this means can and reads the result back; `confirmed` is the word of the
   * means `database` alone. Idempotent. Never throws for
   * an unreachable site: it answers `unproven` with the reason, as it may when `signal` aborts.
   * @throws {CloudPhoenixError} `STALE_GENERATION`; `ABORTED`
   */
  fence(site: SiteId, generation: number, signal: AbortSignal): Promise<FenceProof>;
  /**
   * Lets the writers that this means has stopped through again. Leaves a site alone that it has
   * not stopped. Idempotent.
   * @throws {CloudPhoenixError} `STALE_GENERATION` for an older generation than the one that
   *   fenced; retryable if it could not be done
   */
  unfence(site: SiteId, generation: number, signal: AbortSignal): Promise<void>;
  /** The degree `fence` would reach now, found out without changing anything. Throws as little. */
  forecast(site: SiteId, signal: AbortSignal): Promise<FenceProof>;
}

/** The way users come in at a site, asked as a user would. */
export interface SiteEntry {
  /**
   * Whether the site could serve; `standing-by` expects writes to be refused, `serving` not. A site
   * that does not answer is `unhealthy`, with the reason.
   * @throws {CloudPhoenixError} `ABORTED`
   */
  check(
    site: SiteId,
    expect: "standing-by" | "serving",
    signal: AbortSignal,
  ): Promise<{ readonly status: Status; readonly detail: string }>;
}
