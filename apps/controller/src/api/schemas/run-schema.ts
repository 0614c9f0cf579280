/** Runs, their journal and their report as they are sent. */

import {
  FENCE_DEGREES,
  type Json,
  type LossReport,
  type RunEvent,
  type RunRecord,
  type RunReport,
  type RunStatus,
  type StepRecord,
} from "@cloudphoenix/core";
import { z } from "zod";
import { planKindSchema } from "./decision-schema.ts";
import { planSchema } from "./plan-schema.ts";

export const runStatusSchema: z.ZodType<RunStatus> = z.enum([
  "running",
  "waiting-approval",
  "paused",
  "needs-attention",
  "completed",
  "failed",
  "undone",
  "stuck",
  "superseded",
]);

const jsonSchema: z.ZodType<Json> = z.json().describe("What the step found or produced.");

const stepRecordSchema: z.ZodType<StepRecord> = z
  .strictObject({
    id: z.string(),
    status: z.enum(["pending", "running", "done", "failed", "skipped", "undone", "undo-failed"]),
    attempts: z.int(),
    startedAtMs: z.number().nullable(),
    endedAtMs: z.number().nullable(),
    result: jsonSchema,
    error: z
      .strictObject({
        code: z.string(),
        message: z.string(),
        hint: z.string().nullable(),
        retryable: z.boolean(),
      })
      .nullable(),
    skipped: z.strictObject({ by: z.string(), reason: z.string() }).nullable(),
  })
  .meta({ id: "StepRecord" });

export const runSchema: z.ZodType<RunRecord> = z
  .strictObject({
    id: z.string(),
    plan: planSchema,
    status: runStatusSchema,
    startedBy: z.string(),
    startedAtMs: z.number(),
    endedAtMs: z.number().nullable(),
    steps: z.array(stepRecordSchema),
    waitingFor: z.string().nullable(),
    question: z
      .int()
      .nullable()
      .describe("Number of the question that waits for approval; an approval names it."),
    approvals: z.array(z.strictObject({ by: z.string(), atMs: z.number(), comment: z.string() })),
  })
  .meta({ id: "Run" });

const eventSchema: z.ZodType<RunEvent> = z
  .strictObject({
    runId: z.string(),
    key: z.string(),
    atMs: z.number(),
    kind: z.enum([
      "run-started",
      "run-ended",
      "step-started",
      "step-retried",
      "step-done",
      "step-failed",
      "step-skipped",
      "step-undone",
      "approval-asked",
      "approved",
      "paused",
      "resumed",
      "cancel-asked",
      "refused",
      "waiting",
    ]),
    step: z.string().nullable(),
    text: z.string(),
  })
  .meta({ id: "RunEvent" });

const degreeSchema = z.enum(FENCE_DEGREES);

const reportSchema: z.ZodType<RunReport> = z
  .strictObject({
    run: z.string(),
    kind: planKindSchema,
    status: runStatusSchema,
    application: z.string(),
    generation: z.int(),
    from: z.string(),
    to: z.string(),
    startedAtMs: z.number(),
    endedAtMs: z.number().nullable(),
    durationMs: z.number().nullable(),
    fence: z
      .strictObject({
        degree: degreeSchema,
        proofs: z.array(
          z.strictObject({ means: z.string(), degree: degreeSchema, detail: z.string() }),
        ),
      })
      .nullable(),
    loss: z
      .strictObject({
        completeUntilMs: z.number().nullable(),
        lastAliveAtMs: z.number().nullable(),
        boundMs: z.number().nullable(),
        boundBytes: z.string().nullable(),
        appliedLsn: z.string().nullable(),
      })
      .nullable(),
    objects: z
      .strictObject({
        boundMs: z.number().nullable(),
        needPerson: z
          .number()
          .nullable()
          .describe("Not copied when the old site was left, and not until a person acts."),
        copied: z.number(),
        left: z.number().nullable(),
        referenced: z.number().describe("Rows looked at that say their object is stored."),
        allRows: z.boolean().describe("False if there was no time for all of them."),
        missing: z.number(),
        missingKeys: z.array(z.string()),
        detail: z
          .string()
          .nullable()
          .describe("What was copied and found, and why not more, in one sentence."),
      })
      .nullable(),
    writePauseMs: z
      .number()
      .nullable()
      .describe(
        "Planned moves: from the start of the fence to open writes, as the controller saw.",
      ),
    rejoin: z
      .strictObject({
        site: z.string(),
        deleted: z.int(),
        restored: z.int(),
        fullCopyTables: z.array(z.string()),
      })
      .nullable(),
    comparison: z
      .strictObject({ equal: z.boolean(), lsn: z.string(), tables: z.int(), rows: z.int() })
      .nullable(),
    steps: z.array(
      z.strictObject({
        id: z.string(),
        title: z.string(),
        status: z.string(),
        attempts: z.int(),
        startedAtMs: z.number().nullable(),
        durationMs: z.number().nullable(),
      }),
    ),
  })
  .meta({ id: "RunReport" });

export const lossReportSchema: z.ZodType<LossReport> = z
  .strictObject({
    transactions: z.int(),
    rowsByTable: z.record(z.string(), z.int()),
    keysByTable: z.record(z.string(), z.array(z.string())),
    truncated: z.boolean(),
    rpoMs: z.number(),
  })
  .meta({ id: "LossReport" });

/** What is kept beside a run. */
export interface RunFacts {
  /** When there was first enough to act, epoch ms; null if a person asked for the run. */
  readonly detectedAtMs: number | null;
  /** Read from the old primary after it returned; null until then. */
  readonly loss: LossReport | null;
}

/** A run with its journal, its report and what is kept beside it. */
export interface RunView extends RunFacts {
  readonly run: RunRecord;
  /** Oldest first. */
  readonly events: readonly RunEvent[];
  readonly report: RunReport;
}

export const runViewSchema: z.ZodType<RunView> = z
  .strictObject({
    run: runSchema,
    events: z.array(eventSchema),
    report: reportSchema,
    detectedAtMs: z.number().nullable(),
    loss: lossReportSchema.nullable(),
  })
  .meta({ id: "RunView" });
