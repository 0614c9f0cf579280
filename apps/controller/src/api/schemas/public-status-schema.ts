/** What everybody may know, as it is sent. */

import { z } from "zod";
import type { PublicStatus } from "../views/public-status-view.ts";
import { levelSchema, planKindSchema } from "./decision-schema.ts";

export const publicStatusSchema: z.ZodType<PublicStatus> = z
  .strictObject({
    atMs: z.number().describe("When this was answered, on the controller's clock."),
    application: z.string(),
    active: z.string().describe("The site that serves."),
    protected: z
      .boolean()
      .nullable()
      .describe("Whether it could lose that site now and go on; null on a follower."),
    move: z
      .strictObject({
        kind: planKindSchema,
        to: z.string(),
        sinceMs: z.number().describe("When it began, on the controller's clock."),
      })
      .nullable()
      .describe("The move that is under way; null while the application stays where it is."),
    sites: z.array(
      z.strictObject({
        id: z.string(),
        score: z.number().nullable().describe("Higher is worse; null on a follower."),
        level: levelSchema.nullable(),
        coverage: z.number().nullable().describe("Share (0 to 1) of the score that is known."),
        evaluatedAtMs: z.number().nullable().describe("On the controller's clock."),
      }),
    ),
  })
  .meta({ id: "PublicStatus" });
