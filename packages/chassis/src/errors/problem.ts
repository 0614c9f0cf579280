/**
 * Problem documents: the one shape of every error answer.
 * @see https://www.rfc-editor.org/rfc/rfc9457
 */
import { z } from "zod";
import type { ServiceError } from "./service-error.ts";

/** Media type of a problem document. */
export const PROBLEM_JSON = "application/problem+json";

/** What a client gets when a request fails. `code` is what programs match. */
export interface Problem {
  /** A name, not an address: `urn:problem:<code in lower case>`. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId: string;
}

/** The same, for documents that describe an API. */
export const problemSchema: z.ZodType<Problem> = z
  .strictObject({
    type: z.string().describe("`urn:problem:` and the code in lower case."),
    title: z.string().describe("The same for every problem of this code."),
    status: z.int().min(400).max(599),
    code: z.string().describe("What programs match; it never changes."),
    detail: z.string().describe("One sentence for people."),
    requestId: z.string(),
  })
  .meta({ id: "Problem" });

/** The document for `error`. Holds nothing of its cause. */
export function problemOf(error: ServiceError, requestId: string): Problem {
  return {
    type: `urn:problem:${error.code.toLowerCase().replaceAll("_", "-")}`,
    title: error.title,
    status: error.status,
    code: error.code,
    detail: error.message,
    requestId,
  };
}

/** Value of `Retry-After` in whole seconds, rounded up; null if the request should not be repeated. */
export function retryAfterSeconds(error: ServiceError): number | null {
  return error.retryAfterMs === null ? null : Math.max(1, Math.ceil(error.retryAfterMs / 1_000));
}
