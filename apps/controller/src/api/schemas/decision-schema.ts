/** Decisions as they are sent. */

import {
  type Decision,
  type GuardResult,
  LEVELS,
  type Level,
  PLAN_KINDS,
  type PlanKind,
  SIGNAL_KINDS,
  type SignalKind,
  type SiteScore,
} from "@cloudphoenix/core";
import { z } from "zod";

/** `none`, `heal`, `region`, `dr`. */
export const levelSchema: z.ZodType<Level> = z.enum(LEVELS);

/** What a probe says. */
export const statusSchema: z.ZodType<"healthy" | "degraded" | "unhealthy" | "unknown"> = z.enum([
  "healthy",
  "degraded",
  "unhealthy",
  "unknown",
]);

export const planKindSchema: z.ZodType<PlanKind> = z.enum(PLAN_KINDS);

export const signalKindSchema: z.ZodType<SignalKind> = z.enum(SIGNAL_KINDS);

const siteScoreSchema: z.ZodType<SiteScore> = z
  .strictObject({
    site: z.string(),
    points: z.number(),
    coverage: z.number().describe("Share (0 to 1) of the points that are known."),
    contributions: z.array(
      z.strictObject({
        signal: z.string(),
        kind: signalKindSchema,
        status: statusSchema,
        points: z.number(),
        pointsMax: z.number(),
        vantages: z.array(z.string()),
        failureDomains: z.array(z.string()),
        detail: z.string(),
        atMs: z.number().nullable(),
      }),
    ),
  })
  .meta({ id: "SiteScore" });

export const guardResultSchema: z.ZodType<GuardResult> = z
  .strictObject({
    guard: z.enum([
      "target-exists",
      "target-ready",
      "data-fresh",
      "evidence",
      "fence-obtainable",
      "cooldown",
      "freeze-window",
      "one-run",
      "mode",
      "monitors-sane",
      "schema-parity",
      "maintenance",
      "heals-left",
      "quarantine",
      "move-to-undo",
      "never-opened",
    ]),
    outcome: z.enum(["pass", "approve", "block"]),
    sentence: z.string(),
  })
  .meta({ id: "GuardResult" });

const instant = z.number().nullable();
const levelStateSchema = z.strictObject({
  level: levelSchema,
  sinceMs: z.number(),
  heldSinceMs: z.strictObject({ heal: instant, region: instant, dr: instant }),
  clearingSinceMs: instant,
});

const actionSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("hold"), because: z.string() }),
  z.strictObject({
    kind: z.literal("act"),
    plan: planKindSchema,
    target: z.string(),
    approvers: z.int(),
    because: z.string(),
  }),
  z.strictObject({
    kind: z.literal("blocked"),
    plan: planKindSchema.nullable(),
    because: z.string(),
  }),
  z.strictObject({ kind: z.literal("page"), because: z.string() }),
]);

export const decisionSchema: z.ZodType<Decision> = z
  .strictObject({
    atMs: z.number(),
    active: z.string(),
    generation: z.int(),
    verdict: z.union([levelSchema, z.literal("unknown")]),
    score: siteScoreSchema,
    standbyScores: z.array(siteScoreSchema),
    evidence: z.strictObject({
      failureDomains: z.array(z.string()),
      seenFromTarget: z.boolean(),
      seenFromOutside: z.boolean(),
    }),
    guards: z.array(guardResultSchema),
    action: actionSchema,
    levels: z.record(z.string(), levelStateSchema),
    lastAlive: z.strictObject({ site: z.string(), atMs: z.number() }).nullable().exactOptional(),
  })
  .meta({ id: "Decision" });
