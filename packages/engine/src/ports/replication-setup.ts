/** Making one site the standby of another, and looking first at what that would meet. */
import type { SiteId } from "@cloudphoenix/core";

/** Who is to follow whom. */
export interface SetupPair {
  /** The active site. */
  readonly from: SiteId;
  readonly to: SiteId;
  /** Generation to start with; a newer one that is stored stays. */
  readonly generation: number;
}

/** Something that stands against it. `rule` is stable; `object` is what to look at. */
export interface SetupProblem {
  readonly rule: string;
  readonly site: SiteId;
  readonly object: string;
  readonly sentence: string;
}

/** What setting up would meet and make. Plain JSON. */
export interface SetupForecast {
  /** Everything that stands against it, at once; empty if it may begin. */
  readonly problems: readonly SetupProblem[];
  /** What would be made or mended, one sentence each, in order; empty if there is nothing to do. */
  readonly changes: readonly string[];
  /** Size of the tables that would be copied; 0 if none. */
  readonly bytesToCopy: number;
}

/** How far setting up has got. Plain JSON. */
export interface SetupProgress {
  readonly tables: number;
  readonly tablesReady: number;
  /** Names of tables still being copied. */
  readonly copying: readonly string[];
  /** Bytes of rows read by the copies running now. */
  readonly bytesCopying: number;
}

export interface SetupRequest extends SetupPair {
  readonly onProgress?: (progress: SetupProgress) => void;
}

/** Plain JSON. */
export interface SetupResult {
  /** Whether the pair replicated already and nothing had to be made. */
  readonly alreadyDone: boolean;
  readonly schemaCopied: boolean;
  readonly tables: number;
}

export interface ReplicationSetup {
  /**
   * Looks at both sites and changes nothing.
   * @throws {CloudPhoenixError} `UNREACHABLE`, `TIMED_OUT`, `UNAUTHORIZED`, `ABORTED`
   */
  forecast(pair: SetupPair, signal: AbortSignal): Promise<SetupForecast>;
  /**
   * Makes `to` the standby of `from` and returns once every table is copied, which may take hours.
   * Looks for its own earlier work first: calling again goes on after an interruption, takes up
   * tables that came later, and does nothing to a healthy pair. An abort leaves what was made.
   * @throws {CloudPhoenixError} `REPLICATION_PREFLIGHT` with every problem, before anything is
   *   changed; `CONFLICT` if the sites have other roles; `REPLICATION_BROKEN` if it cannot be
   *   mended by setting up; `UNREACHABLE`, `TIMED_OUT`, `ABORTED` (retryable)
   */
  setup(request: SetupRequest, signal: AbortSignal): Promise<SetupResult>;
}
