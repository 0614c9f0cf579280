/** ETags as HTTP quotes them, and the conditions of a change that name them. */
import type { IncomingHttpHeaders } from "node:http";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { WriteCondition } from "../object-store.ts";

/** `"0x8D"` becomes `0x8D`. */
export function unquote(etag: string): string {
  return etag.replace(/^(?:W\/)?"|"$/g, "");
}

/** The ETag that an answer tells, unquoted; empty if it tells none. */
export function etagOf(headers: IncomingHttpHeaders): string {
  return unquote(headers.etag ?? "");
}

/** Conditions as headers; the store checks them. */
export function conditionHeaders(condition: WriteCondition): Record<string, string> {
  if (condition.kind === "none") return {};
  return condition.kind === "absent"
    ? { "if-none-match": "*" }
    : { "if-match": `"${condition.etag}"` };
}

/** The error of a delete on condition that there is nothing; `what` names the object with its store. */
export function presentError(what: string): CloudPhoenixError {
  const message = `${what} is there, and should be absent`;
  return new CloudPhoenixError("OBJECT_CHANGED", message, { retryable: false });
}
