/** Text from outside that is safe to store, log and show. */
import { z } from "zod";

/**
 * Text PostgreSQL stores as it came: well-formed Unicode without control characters (line breaks
 * and tabs excepted). NUL and lone surrogates would be refused by the database, not by us.
 */
export function cleanText(maxLength: number): z.ZodType<string, string> {
  return z
    .string()
    .min(1)
    .max(maxLength)
    .refine((value) => value.isWellFormed() && !hasControlCharacter(value), {
      message: "must not contain control characters",
    });
}

/** A key is visible ASCII: header values survive proxies unchanged only then. */
export const idempotencyKey: z.ZodType<string, string> = z
  .string({ error: "is required" })
  .regex(/^[\x21-\x7e]{1,200}$/, "must be 1-200 visible ASCII characters");

function hasControlCharacter(value: string): boolean {
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index);
    const isLineBreakOrTab = code === 9 || code === 10 || code === 13;
    if ((code < 32 && !isLineBreakOrTab) || code === 127) return true;
  }
  return false;
}
