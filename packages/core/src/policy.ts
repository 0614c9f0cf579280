/** What the operator decides in advance. Defaults and their reasons are in `default-policy.ts`. */

import type { FenceDegree } from "./fence.ts";
import type { Level } from "./score.ts";

/** `auto` acts, `approve` prepares the run and waits for a person, `observe` only says so. */
export type Mode = "auto" | "approve" | "observe";

type Graver = Exclude<Level, "none">;

export interface Policy {
  /** Lowest score of each level. Ascending. */
  readonly bands: Readonly<Record<Graver, number>>;
  /** How long the score must hold at a level before it counts. */
  readonly holdMs: Readonly<Record<Graver, number>>;
  /** A level clears once the score is this far below its band … */
  readonly clearMargin: number;
  /** … for this long. */
  readonly clearMs: number;
  /** Below this share of known points the verdict is `unknown`. */
  readonly coverageMin: number;
  /** Failure domains that must agree before a level may act. */
  readonly evidenceMin: Readonly<Record<Graver, number>>;
  readonly modes: Readonly<Record<Graver, Mode>>;
  /** No automatic move within this time after the last one ended. */
  readonly cooldownMs: number;
  /** Automatic moves are refused inside these windows. */
  readonly freezes: readonly FreezeWindow[];
  /** The weakest fence that lets a promotion go on without asking a person. */
  readonly fenceMin: FenceDegree;
  /** A standby whose newest canary row is older than this before the fault is not ready. */
  readonly canaryAgeMaxMs: number;
  /** Distinct people who must accept a loss beyond the objective or an unproven fence. */
  readonly approversForRisk: number;
  /** Heals within `healWindowMs` after which healing is given up and a person is paged. */
  readonly healsMax: number;
  readonly healWindowMs: number;
}

/** A span in which nothing moves by itself. Epoch milliseconds. */
export interface FreezeWindow {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly reason: string;
}
