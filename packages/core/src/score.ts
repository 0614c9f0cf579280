/** Types of the score. The rules are in `score-site.ts`. */

import type { SignalKind, Status } from "./signal.ts";
import type { SiteId } from "./topology.ts";

/** What one signal added to the score of its site, and why. */
export interface Contribution {
  readonly signal: string;
  readonly kind: SignalKind;
  /** Settled by the majority of the fresh, seeing vantages. */
  readonly status: Status;
  readonly points: number;
  /** The most this signal could add. */
  readonly pointsMax: number;
  /** Vantages whose answer agrees with the settled status. */
  readonly vantages: readonly string[];
  /** Failure domains of those vantages, sorted, no duplicates. */
  readonly failureDomains: readonly string[];
  readonly detail: string;
  /** When the newest agreeing answer was asked; null if there is none. */
  readonly atMs: number | null;
}

/** The health of a site as a number with its reasons. */
export interface SiteScore {
  readonly site: SiteId;
  readonly points: number;
  /** Share (0 to 1) of the points that could be known that are known. 1 if there are none. */
  readonly coverage: number;
  /** Every signal of the site, in configuration order. */
  readonly contributions: readonly Contribution[];
}

/** How grave the score is. Order matters: each is graver than the one before. */
export const LEVELS = ["none", "heal", "region", "dr"] as const;
export type Level = (typeof LEVELS)[number];

/** What hysteresis remembers about one site. */
export interface LevelState {
  /** The level that counts now. */
  readonly level: Level;
  /** Since when `level` counts. */
  readonly sinceMs: number;
  /** For each level above `none`: since when the score has held at or above it without a break. */
  readonly heldSinceMs: Readonly<Record<Exclude<Level, "none">, number | null>>;
  /** Since when the score has been low enough to clear `level`; null while it is not. */
  readonly clearingSinceMs: number | null;
}
