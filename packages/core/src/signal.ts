/** What is asked, from where, and what came back. Data only. */

import type { SiteId } from "./topology.ts";

/** The answer of a probe. `unknown` means the question could not be asked or answered. */
export type Status = "healthy" | "degraded" | "unhealthy" | "unknown";

/** Everything a signal can ask. */
export const SIGNAL_KINDS = [
  "service-health",
  "external-uptime",
  "cross-cloud",
  "cross-region",
  "replication-lag",
  "object-backlog",
  "node-groups",
  "load-balancer",
  "alarm",
  "prometheus",
  "provider-status",
] as const;

/** What a signal asks. Decides its default points (see `default-points.ts`). */
export type SignalKind = (typeof SIGNAL_KINDS)[number];

/** A place questions are asked from. */
export interface Vantage {
  readonly id: string;
  /** The site the vantage stands in, or null if it stands outside every site. */
  readonly site: SiteId | null;
  /** The cloud the vantage stands in, or null for outside. */
  readonly cloud: string | null;
  /** What would have to break for everything seen from here to be wrong. */
  readonly failureDomain: string;
}

/** One question, asked at an interval from one or more vantages. */
export interface Signal {
  readonly id: string;
  readonly kind: SignalKind;
  /** The site whose health this speaks of. */
  readonly site: SiteId;
  readonly vantages: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** An observation older than this no longer counts. */
  readonly freshnessMs: number;
  readonly points: SignalPoints;
}

/** Points added to the score per status. Healthy and unknown always add 0. */
export interface SignalPoints {
  readonly degraded: number;
  readonly unhealthy: number;
}

/** One answer. */
export interface Observation {
  readonly signal: string;
  readonly vantage: string;
  /** When the question was asked, epoch milliseconds on the clock of the controller. */
  readonly atMs: number;
  readonly status: Status;
  /** What was seen, in words an operator reads, at most 200 characters, no secrets. */
  readonly detail: string;
  /** How long the answer took; null if none came. */
  readonly latencyMs: number | null;
}

/**
 * Whether a vantage can see at all: its control canaries are targets that do not depend on any
 * site. If they are red too, the vantage is what failed, and what it says counts as unknown.
 */
export interface VantageSight {
  readonly vantage: string;
  readonly atMs: number;
  readonly sees: boolean;
}
