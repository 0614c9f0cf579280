/** How the result of a step says that people must agree before the plan goes on. */
import type { Json } from "@cloudphoenix/core";

export type ApprovalRequest = {
  /** Distinct people who must agree; at least 1. */
  readonly approvers: number;
  /** What they agree to, as a question. */
  readonly question: string;
};

/** A step result that asks for approval and keeps what was found. */
export function askApproval(
  request: ApprovalRequest,
  found: { readonly [key: string]: Json },
): Json {
  return { ...found, approvalNeeded: request };
}

/** The request inside a step result; null if the step asks nothing. */
export function approvalAskedBy(result: Json): ApprovalRequest | null {
  if (!isObject(result)) return null;
  const request = result["approvalNeeded"];
  if (!isObject(request)) return null;
  const { approvers, question } = request;
  if (typeof approvers !== "number" || typeof question !== "string") return null;
  return { approvers, question };
}

function isObject(
  value: Json | undefined,
): value is { readonly [key: string]: Json; readonly approvers?: Json; readonly question?: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
