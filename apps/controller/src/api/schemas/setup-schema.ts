/** Setting replication up, as it is sent. */

import type { SetupPreview, SetupRecord } from "@cloudphoenix/engine";
import { z } from "zod";

const site = z.string();

export const setupPreviewSchema: z.ZodType<SetupPreview> = z
  .strictObject({
    from: site.describe("The active site, as the roles say."),
    to: site,
    problems: z
      .array(
        z.strictObject({
          rule: z.string().describe("Stable; programs match it."),
          site,
          object: z.string().describe("What to look at."),
          sentence: z.string(),
        }),
      )
      .describe("Everything that stands against it; empty if it may begin."),
    changes: z.array(z.string()).describe("What would be made or mended; empty if nothing."),
    bytesToCopy: z.number().describe("Size of the tables that would be copied."),
  })
  .meta({ id: "SetupPreview" });

export const setupSchema: z.ZodType<SetupRecord> = z
  .strictObject({
    id: z.string(),
    from: site,
    to: site,
    generation: z.int(),
    by: z.string(),
    reason: z.string(),
    startedAtMs: z.number(),
    endedAtMs: z.number().nullable(),
    status: z
      .enum(["running", "done", "failed", "superseded"])
      .describe("`superseded`: given up because the sites have other roles by now."),
    progress: z
      .strictObject({
        tables: z.int(),
        tablesReady: z.int(),
        copying: z.array(z.string()),
        bytesCopying: z.number().describe("Rows read so far by the copies running now."),
      })
      .nullable(),
    trouble: z.string().nullable().describe("What keeps it from going on, or ended it."),
    hint: z.string().nullable().describe("What to do next."),
    result: z
      .strictObject({ alreadyDone: z.boolean(), schemaCopied: z.boolean(), tables: z.int() })
      .nullable(),
  })
  .meta({ id: "ReplicationSetup" });
