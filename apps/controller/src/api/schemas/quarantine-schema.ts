/** Quarantined sites as they are sent. */

import { FENCE_DEGREES } from "@cloudphoenix/core";
import type {
  DivergentObject,
  DivergentRow,
  ObjectDivergence,
  ReapplyResult,
} from "@cloudphoenix/engine";
import { z } from "zod";
import type { QuarantineView } from "../views/quarantine-view.ts";

const decided = { by: z.string(), atMs: z.number(), reason: z.string() };

export const quarantineSchema: z.ZodType<QuarantineView> = z
  .strictObject({
    site: z.string(),
    writer: z.string().describe("The site that writes now."),
    foundAtMs: z.number(),
    found: z.strictObject({ role: z.enum(["active", "fenced"]), generation: z.int() }),
    fence: z.strictObject({
      means: z.string(),
      degree: z.enum(FENCE_DEGREES),
      detail: z.string(),
    }),
    reopenedAtMs: z
      .number()
      .nullable()
      .describe("When it took writes again although it was quarantined; null if it never did."),
    divergence: z
      .strictObject({
        transactions: z.int(),
        rowsByTable: z.record(z.string(), z.int()),
        truncatesTables: z.array(z.string()),
        firstAtMs: z.number().nullable(),
        lastAtMs: z.number().nullable(),
        rpoMs: z.number(),
        repairable: z.boolean().describe("Whether it can rejoin without a full copy."),
        obstacles: z.array(z.string()),
        fullCopyTables: z.array(z.string()),
      })
      .nullable()
      .describe("What only this site has; null until it could be read."),
    trouble: z.string().nullable(),
    decisions: z.array(
      z.discriminatedUnion("kind", [
        z.strictObject({ kind: z.literal("accepted"), ...decided }),
        z.strictObject({
          kind: z.literal("exported"),
          ...decided,
          rows: z.int(),
          file: z.string(),
        }),
        z.strictObject({
          kind: z.literal("reapplied"),
          ...decided,
          applied: z.int(),
          conflicting: z.int(),
        }),
      ]),
    ),
    missing: z
      .string()
      .nullable()
      .describe("Why it may not rejoin yet, and what to do; null if it may."),
  })
  .meta({ id: "Quarantine" });

const values = z.record(z.string(), z.string().nullable());

export const divergentRowSchema: z.ZodType<DivergentRow> = z
  .strictObject({
    table: z.string(),
    operation: z.enum(["insert", "update", "delete", "truncate"]),
    key: values.nullable(),
    before: values
      .nullable()
      .describe(
        "The row before the change, as far as the log has it: whole where the table's replica identity is `full`, otherwise what identified it. Null for inserts, truncations and updates that left that alone.",
      ),
    row: values.nullable().describe("The row after the change; null if none is left."),
    unchanged: z
      .array(z.string())
      .describe(
        "Columns that `row` lacks: their large values stayed as they were, and the log does not repeat them.",
      ),
    xid: z.string(),
    committedAtMs: z.number(),
  })
  .meta({ id: "DivergentRow" });

const divergentObjectSchema: z.ZodType<DivergentObject> = z
  .strictObject({
    key: z.string().describe("Without the prefix in the configuration."),
    kind: z
      .enum(["only-there", "differs", "outdated"])
      .describe(
        "`only-there`: the writer has nothing of this name; `differs`: it has something else; both may exist nowhere else. `outdated`: it had been copied, and the writer has deleted or replaced it since.",
      ),
    sizeBytes: z.int(),
    modifiedMs: z.number().describe("By the clock of the returned site's store."),
    writer: z
      .strictObject({ sizeBytes: z.int(), modifiedMs: z.number() })
      .nullable()
      .describe("What the writer has under the key; null for nothing."),
  })
  .meta({ id: "DivergentObject" });

export const objectDivergenceSchema: z.ZodType<ObjectDivergence> = z
  .strictObject({
    looked: z.int().describe("Objects of the returned site that were compared."),
    onlyThere: z.int(),
    differing: z.int(),
    outdated: z.int().describe("Copied before, and deleted or replaced by the writer since."),
    bytes: z.int().describe("Of those that are only there or differ."),
    complete: z.boolean().describe("Whether all were compared; otherwise there may be more."),
    trouble: z.string().nullable().describe("Why not; null if they were."),
    first: z.array(divergentObjectSchema).describe("The first that are only there or differ."),
  })
  .meta({ id: "ObjectDivergence" });

export const reapplySchema: z.ZodType<ReapplyResult> = z
  .strictObject({
    applied: z.int(),
    conflicting: z.int(),
    conflicts: z.array(divergentRowSchema).describe("The first of them."),
    alreadyDone: z.boolean(),
  })
  .meta({ id: "Reapply" });
