/** Plans and dry runs as they are sent. */

import type { AcceptedLoss, Plan, PlanFinding, PlanStep, StepAction } from "@cloudphoenix/core";
import { z } from "zod";
import type { DryRun } from "../control-room.ts";
import { guardResultSchema, planKindSchema } from "./decision-schema.ts";

const site = z.string();

const acceptedLossSchema: z.ZodType<AcceptedLoss> = z
  .strictObject({
    writesMs: z.number().nullable(),
    objectsMs: z.number().nullable().exactOptional(),
  })
  .describe("What whoever approves accepts to lose; null: however much it is.");

const actionSchema: z.ZodType<StepAction> = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("approval"),
      approvers: z.int(),
      question: z.string(),
      accepts: acceptedLossSchema.exactOptional(),
      another: z
        .literal(true)
        .exactOptional()
        .describe("Somebody other than who started the run must be among those who approve."),
    }),
    z.strictObject({ kind: z.literal("pause"), durationMs: z.number() }),
    z.strictObject({ kind: z.literal("fence-site"), site }),
    z.strictObject({ kind: z.literal("unfence-site"), site }),
    z.strictObject({ kind: z.literal("measure-loss"), from: site, to: site }),
    z.strictObject({ kind: z.literal("drain-replication"), from: site, to: site }),
    z.strictObject({ kind: z.literal("drain-objects"), from: site, to: site }),
    z.strictObject({ kind: z.literal("promote-database"), site, from: site }),
    z.strictObject({ kind: z.literal("restart-database"), site }),
    z.strictObject({
      kind: z.literal("scale-workload"),
      site,
      workload: z.string(),
      replicas: z.int(),
    }),
    z.strictObject({ kind: z.literal("restart-workload"), site, workload: z.string() }),
    z.strictObject({
      kind: z.literal("verify-site"),
      site,
      expect: z.enum(["standing-by", "serving"]),
      follows: site.exactOptional(),
    }),
    z.strictObject({ kind: z.literal("switch-traffic"), from: site, to: site }),
    z.strictObject({ kind: z.literal("open-writes"), site }),
    z.strictObject({ kind: z.literal("verify-convergence"), site }),
    z.strictObject({ kind: z.literal("settle-objects"), from: site, to: site }),
    z.strictObject({ kind: z.literal("record-salvage"), site }),
    z.strictObject({ kind: z.literal("rejoin-site"), site, writer: site }),
    z.strictObject({ kind: z.literal("admit-site"), site }),
    z.strictObject({ kind: z.literal("compare-sites"), writer: site, follower: site }),
    z.strictObject({
      kind: z.literal("notify"),
      severity: z.enum(["info", "warning", "critical"]),
      message: z.string(),
    }),
    z.strictObject({ kind: z.literal("report") }),
  ])
  .meta({ id: "StepAction" });

const stepSchema: z.ZodType<PlanStep> = z
  .strictObject({
    id: z.string(),
    action: actionSchema,
    title: z.string(),
    needs: z.array(z.string()),
    timeoutMs: z.number(),
    retry: z.strictObject({
      attempts: z.int(),
      backoffMs: z.number(),
      backoffMaxMs: z.number(),
    }),
    undo: z.discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("action"), action: actionSchema }),
      z.strictObject({ kind: z.literal("none"), reason: z.string() }),
    ]),
    requires: z.array(z.string()),
    bestEffort: z.boolean(),
  })
  .meta({ id: "PlanStep" });

export const planSchema: z.ZodType<Plan> = z
  .strictObject({
    id: z.string(),
    kind: planKindSchema,
    application: z.string(),
    generation: z.int(),
    parentGeneration: z.int(),
    createdAtMs: z.number(),
    from: z.string(),
    to: z.string(),
    reason: z.string(),
    onFailure: z.enum(["wait", "give-up"]),
    steps: z.array(stepSchema),
  })
  .meta({ id: "Plan" });

const findingSchema: z.ZodType<PlanFinding> = z.strictObject({
  rule: z.string(),
  step: z.string().nullable(),
  sentence: z.string(),
});

export const dryRunSchema: z.ZodType<DryRun> = z
  .strictObject({
    plan: planSchema.nullable(),
    findings: z.array(findingSchema).describe("Why the plan linter would refuse it."),
    guards: z.array(guardResultSchema).describe("Every guard that was asked."),
    steps: z.array(
      z.strictObject({
        id: z.string(),
        title: z.string(),
        current: z.string(),
        intended: z.string(),
        alreadyDone: z.boolean(),
      }),
    ),
  })
  .meta({ id: "DryRun" });
