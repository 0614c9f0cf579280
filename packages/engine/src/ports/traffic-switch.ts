/**
 * The switch that decides which site users reach.
 *
 * Written so that Route 53, Azure Traffic Manager, Cloudflare and RFC 2136 servers fit behind it:
 * all of them hold a record with a TTL, can answer what it says now, and can change it only if it
 * still says what was expected (natively or by a change lock).
 */
import type { SiteId } from "@cloudphoenix/core";

export interface TrafficState {
  /** The site the record points to; null if it points to none that is known. */
  readonly site: SiteId | null;
  /** Generation recorded beside it; 0 if none. */
  readonly generation: number;
  readonly ttlMs: number;
  /** The raw answer, for people. */
  readonly answer: string;
}

export interface TrafficCapabilities {
  /** The provider refuses a change if the record is not what was expected. */
  readonly compareAndSwap: boolean;
  /** A change reaches every authoritative server within this time. */
  readonly propagationMs: number;
}

export interface TrafficSwitch {
  readonly capabilities: TrafficCapabilities;
  read(signal: AbortSignal): Promise<TrafficState>;
  /**
   * Points the record at `site`. Already pointing there for this generation is success.
   * @throws {CloudPhoenixError} `STALE_GENERATION` if a newer generation is recorded,
   *   `TRAFFIC_REFUSED` if the server refuses, `UNREACHABLE` (retryable) if it does not answer
   */
  switchTo(site: SiteId, generation: number, signal: AbortSignal): Promise<TrafficState>;
}

/** Where clients end up, found out as clients do (resolve, honour the TTL, connect). */
export interface ConvergenceProbe {
  /**
   * One sample per vantage, whatever happens: one that could not find out, or that was given up
   * when `signal` aborted, has no site. Never throws.
   */
  sample(signal: AbortSignal): Promise<readonly ConvergenceSample[]>;
}

export interface ConvergenceSample {
  readonly vantage: string;
  /** The site that answered; null if none did. */
  readonly site: SiteId | null;
  readonly detail: string;
}
