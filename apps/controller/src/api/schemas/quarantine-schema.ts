/** Quarantined sites as they are sent. */

import { FENCE_DEGREES } from "@cloudphoenix/core";
import type { DivergentRow, ReapplyResult } from "@cloudphoenix/engine";
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
    row: values.nullable(),
    xid: z.string(),
    committedAtMs: z.number(),
  })
  .meta({ id: "DivergentRow" });

export const reapplySchema: z.ZodType<ReapplyResult> = z
  .strictObject({
    applied: z.int(),
    conflicting: z.int(),
    conflicts: z.array(divergentRowSchema).describe("The first of them."),
    alreadyDone: z.boolean(),
  })
  .meta({ id: "Reapply" });
