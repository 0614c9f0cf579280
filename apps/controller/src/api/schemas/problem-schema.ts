/** The problem document every error is answered with. */

import { z } from "zod";

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** Stable; programs match it. */
  readonly code: string;
  readonly detail: string;
  /** What to do next, as an imperative sentence. */
  readonly hint?: string | undefined;
  readonly requestId: string;
  readonly blockers?: readonly { readonly name: string; readonly sentence: string }[] | undefined;
  readonly errors?: readonly { readonly path: string; readonly message: string }[] | undefined;
}

const problemSchema: z.ZodType<Problem> = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().describe("Stable name of the error; match this, not the text."),
    detail: z.string(),
    hint: z.string().optional().describe("What to do next."),
    requestId: z.string().describe("Search the controller's log for it."),
    blockers: z
      .array(z.strictObject({ name: z.string(), sentence: z.string() }))
      .optional()
      .describe("Everything that stands against the request (`GUARD_BLOCKED`)."),
    errors: z
      .array(z.strictObject({ path: z.string(), message: z.string() }))
      .optional()
      .describe("What is wrong with the request (`BAD_REQUEST`)."),
  })
  .meta({ id: "Problem" });

type ProblemStatus = 400 | 401 | 404 | 409 | 413 | 415 | 500 | 503 | 504;

const MEANINGS: Readonly<Record<ProblemStatus, string>> = {
  400: "The request is not valid.",
  401: "The bearer token is missing or wrong.",
  404: "There is no such thing.",
  409: "What stands against it is listed.",
  413: "The body is too large.",
  415: "The body is not JSON.",
  500: "Something failed inside the controller.",
  503: "This controller is not the leader, or its state database does not answer.",
  504: "It took too long.",
};

/** The response schemas of these refusals. */
export function refusals(
  ...statuses: readonly ProblemStatus[]
): Record<number, z.ZodType<Problem>> {
  return Object.fromEntries(
    [...statuses, 500 as const].map((status) => [status, problemSchema.describe(MEANINGS[status])]),
  );
}
