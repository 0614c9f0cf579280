/** Conditional requests: what must be true of the object, as clients write it in headers. */
import { type Answer, callHeader, type S3Call } from "../s3/call.ts";
import { S3Error } from "../s3/s3-error.ts";
import type { ObjectVersion } from "../store/records.ts";

/** What must be true of the current object for a write or delete to happen. */
export type WriteCondition =
  | { readonly kind: "none" }
  | { readonly kind: "absent" }
  | { readonly kind: "match"; readonly etag: string };

/** Of a write. @throws {S3Error} `NotImplemented` for combinations S3 does not take */
export function writeConditionOf(call: S3Call): WriteCondition {
  const ifMatch = callHeader(call, "if-match");
  const ifNoneMatch = callHeader(call, "if-none-match");
  if (ifNoneMatch === undefined) {
    return ifMatch === undefined ? { kind: "none" } : { kind: "match", etag: bare(ifMatch) };
  }
  if (ifNoneMatch.trim() === "*" && ifMatch === undefined) return { kind: "absent" };
  throw new S3Error("NotImplemented", { details: { Header: "If-None-Match" } });
}

/**
 * Checks a write against what is stored now; `current` is null if nothing is.
 * @throws {S3Error} `PreconditionFailed`, `NoSuchKey`
 */
export function requireCondition(
  condition: WriteCondition,
  current: ObjectVersion | null,
  key: string,
): void {
  if (condition.kind === "none") return;
  if (condition.kind === "absent") {
    if (current === null) return;
    throw new S3Error("PreconditionFailed", { details: { Condition: "If-None-Match" } });
  }
  if (current === null) throw new S3Error("NoSuchKey", { details: { Key: key } });
  if (condition.etag === "*" || condition.etag === current.etag) return;
  throw new S3Error("PreconditionFailed", { details: { Condition: "If-Match" } });
}

/** Of a read; `prefix` is the one of copy sources. Null to go on. @throws {S3Error} `PreconditionFailed` */
export function readConditionOutcome(
  call: S3Call,
  version: ObjectVersion,
  prefix = "",
): "not-modified" | null {
  const ifMatch = callHeader(call, `${prefix}if-match`);
  const ifNoneMatch = callHeader(call, `${prefix}if-none-match`);
  const modifiedSince = secondsOf(callHeader(call, `${prefix}if-modified-since`));
  const unmodifiedSince = secondsOf(callHeader(call, `${prefix}if-unmodified-since`));
  const modified = Math.floor(version.modifiedMs / 1000);
  if (ifMatch !== undefined && !matches(ifMatch, version)) throw failed("If-Match");
  if (ifMatch === undefined && unmodifiedSince !== null && modified > unmodifiedSince) {
    throw failed("If-Unmodified-Since");
  }
  if (ifNoneMatch !== undefined) return matches(ifNoneMatch, version) ? "not-modified" : null;
  return modifiedSince !== null && modified <= modifiedSince ? "not-modified" : null;
}

/** The answer to a read whose client has it already. */
export function notModified(version: ObjectVersion): Answer {
  const modified = new Date(version.modifiedMs).toUTCString();
  return { status: 304, headers: { etag: `"${version.etag}"`, "last-modified": modified } };
}

function failed(condition: string): S3Error {
  return new S3Error("PreconditionFailed", { details: { Condition: condition } });
}

function matches(header: string, version: ObjectVersion): boolean {
  return header.split(",").some((tag) => bare(tag) === "*" || bare(tag) === version.etag);
}

/** An entity tag without quotes and without the mark of a weak one. */
export function bare(tag: string): string {
  return tag.trim().replace(/^W\//u, "").replace(/^"|"$/gu, "");
}

/** Epoch seconds; null if absent or no date, which S3 ignores. */
function secondsOf(date: string | undefined): number | null {
  const ms = Date.parse(date ?? "");
  return Number.isNaN(ms) ? null : Math.floor(ms / 1000);
}
