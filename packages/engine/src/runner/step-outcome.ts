/** How a step can end, as plain JSON: it crosses the journal and the border of a branch. */
import { type Json, messageOf } from "@cloudphoenix/core";

/** A failure as a value. The same fields as core's `StepError`, in a shape that is `Json`. */
export type StepFailure = {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly retryable: boolean;
};

export type StepOutcome =
  | { readonly kind: "done"; readonly attempts: number }
  | {
      readonly kind: "approval-needed";
      readonly attempts: number;
      readonly approvers: number;
      readonly question: string;
    }
  | { readonly kind: "failed"; readonly attempts: number; readonly error: StepFailure }
  /** Stopped from outside before it had an end; whether it took effect is not known. */
  | { readonly kind: "aborted"; readonly attempts: number }
  /** A newer plan owns the application; this run must not touch anything any more. */
  | { readonly kind: "superseded"; readonly attempts: number; readonly detail: string };

/** A step that people have to agree to. */
export type Question = Extract<StepOutcome, { readonly kind: "approval-needed" }>;

/** A step that people have to say something about. */
export type Failure = Extract<StepOutcome, { readonly kind: "failed" }>;

/** Whether this is a failure that may pass by itself. */
export function mayPass(outcome: StepOutcome): boolean {
  return outcome.kind === "failed" && outcome.error.retryable;
}

const OUTCOME_KINDS = ["done", "approval-needed", "failed", "aborted", "superseded"];

/** Takes back an outcome that went through the journal. @throws {TypeError} if it is none */
export function asStepOutcome(value: Json): StepOutcome {
  if (isStepOutcome(value)) return value;
  throw new TypeError(`not a step outcome: ${JSON.stringify(value)}`);
}

/** The journal returns exactly what `executeStep` put in, so the tag is enough to tell a mix-up. */
function isStepOutcome(value: Json): value is StepOutcome {
  if (typeof value !== "object" || value === null || !("kind" in value)) return false;
  const { kind } = value;
  return typeof kind === "string" && OUTCOME_KINDS.includes(kind);
}

/**
 * Whatever was thrown, as a value. Errors without a code come from below the ports; trying again
 * is safe because every step is idempotent, so they count as retryable.
 */
export function failureOf(error: unknown): StepFailure {
  const fields: { code?: unknown; hint?: unknown; retryable?: unknown } =
    typeof error === "object" && error !== null ? error : {};
  const known = typeof fields.code === "string" && typeof fields.retryable === "boolean";
  return {
    code: known ? String(fields.code) : "INTERNAL",
    message: messageOf(error),
    hint: typeof fields.hint === "string" ? fields.hint : null,
    retryable: known ? fields.retryable === true : true,
  };
}
