/** Fields that many requests share. */

import { z } from "zod";

/** Who asks. One token is shared, so the name is what the caller says; it goes into the audit log. */
export const operator: z.ZodType<string> = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .regex(/^[\p{L}\p{N} ._@+-]+$/u, "use letters, digits, blanks and . _ @ + -")
  .describe("Who asks; kept in the audit log.");

export const reason: z.ZodType<string> = z
  .string()
  .trim()
  .min(1)
  .max(500)
  .describe("Why; kept in the audit log.");

export const idempotencyKey: z.ZodType<string> = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[\x21-\x7e]+$/, "use visible ASCII characters")
  .describe("The same key again has no further effect.");
