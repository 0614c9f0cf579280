/**
 * What a store said no with, and what that means to whoever asked.
 *
 * Owns: the one table from HTTP status and provider code to `CloudPhoenixError`. A provider's detailed
 * text is never passed on where credentials are concerned: it repeats signatures and key ids.
 */
import { CloudPhoenixError, type ErrorCode } from "@cloudphoenix/core";
import type { HttpTransport, WireAnswer } from "./http-transport.ts";
import { childText, parseXml } from "./parse-xml.ts";

/** A refusal as it came. */
export interface StoreRefusal {
  readonly status: number;
  /** The provider's own name of it, `NoSuchKey`; empty if it gave none. */
  readonly code: string;
  /** First line of the provider's sentence; may be empty. */
  readonly message: string;
}

/** What was asked, for the error's sentence. */
export interface RefusalContext {
  /** The store's address. */
  readonly address: string;
  /** What was being done, `reading receipts/1`. */
  readonly doing: string;
  /** What 404 means here, unless the code says that the bucket is missing. */
  readonly notFound: ErrorCode;
}

const REFUSAL_MAX_BYTES = 64 * 1024;

/** Takes the refusal's body. @throws {CloudPhoenixError} as `HttpTransport.collect` */
export async function readRefusal(
  transport: HttpTransport,
  answer: WireAnswer,
  signal: AbortSignal,
): Promise<StoreRefusal> {
  const body = await transport.collect(answer, REFUSAL_MAX_BYTES, signal);
  const root = body.length === 0 ? null : parseXml(body.toString("utf8").replace(/^\ufeff/, ""));
  const headerCode = answer.headers["x-ms-error-code"];
  const named = typeof headerCode === "string" ? headerCode : "";
  const code = root === null ? named : (childText(root, "Code") ?? named);
  const text = root === null ? "" : (childText(root, "Message") ?? "");
  return { status: answer.status, code, message: (text.split("\n", 1)[0] ?? "").slice(0, 200) };
}

/** Provider codes that mean something else than their status does. */
const BY_CODE: Readonly<Record<string, ErrorCode>> = {
  NoSuchBucket: "NOT_FOUND",
  ContainerNotFound: "NOT_FOUND",
  ContainerBeingDeleted: "NOT_FOUND",
  PermanentRedirect: "NOT_FOUND",
  AuthorizationHeaderMalformed: "NOT_FOUND",
  NoSuchUpload: "NOT_FOUND",
  InvalidPart: "NOT_FOUND",
  InvalidBlockList: "NOT_FOUND",
  BadDigest: "OBJECT_CORRUPT",
  InvalidDigest: "OBJECT_CORRUPT",
  IncompleteBody: "OBJECT_CORRUPT",
  XAmzContentSHA256Mismatch: "OBJECT_CORRUPT",
  Md5Mismatch: "OBJECT_CORRUPT",
  BlobAlreadyExists: "OBJECT_CHANGED",
  ConditionNotMet: "OBJECT_CHANGED",
  TargetConditionNotMet: "OBJECT_CHANGED",
  PreconditionFailed: "OBJECT_CHANGED",
  ConditionalRequestConflict: "OBJECT_CHANGED",
  RequestTimeout: "OBJECT_STORE_UNREACHABLE",
  SlowDown: "OBJECT_STORE_UNREACHABLE",
  OperationAborted: "OBJECT_STORE_UNREACHABLE",
  InvalidObjectState: "OBJECT_REFUSED",
  BlobArchived: "OBJECT_REFUSED",
  BlobBeingRehydrated: "OBJECT_REFUSED",
  LeaseIdMissing: "OBJECT_REFUSED",
  KeyTooLongError: "OBJECT_NAME_REFUSED",
  InvalidUri: "OBJECT_NAME_REFUSED",
  InvalidResourceName: "OBJECT_NAME_REFUSED",
};

/** Refusals for credentials or a time that the next attempt may have right. */
const PASSING: readonly string[] = [
  "ExpiredToken",
  "InvalidToken",
  "TokenRefreshRequired",
  "RequestTimeTooSkewed",
  "InvalidAuthenticationInfo",
];

const HINTS: Partial<Record<ErrorCode, string>> = {
  OBJECT_STORE_UNREACHABLE: "Wait, then try again; look at the provider's status if it lasts.",
  OBJECT_STORE_DENIED:
    "Check which identity is used, its rights on the store, and this machine's clock.",
  NOT_FOUND: "Check the store's name, region and endpoint.",
};

/** The error to throw. */
export function refusalError(refusal: StoreRefusal, context: RefusalContext): CloudPhoenixError {
  const isPassing = PASSING.includes(refusal.code) || isSilent(refusal);
  const code = isPassing
    ? "OBJECT_STORE_DENIED"
    : (BY_CODE[refusal.code] ?? byStatus(refusal.status, context));
  const secretive = code === "OBJECT_STORE_DENIED" || refusal.message === "";
  const said = [refusal.code, secretive ? "" : refusal.message].filter((part) => part !== "");
  const because = said.length === 0 ? "" : ` (${said.join(": ")})`;
  const message = `${context.address}: ${context.doing} was answered with ${refusal.status}${because}`;
  const hint = HINTS[code];
  return new CloudPhoenixError(code, message, {
    retryable: isPassing || code === "OBJECT_STORE_UNREACHABLE" || code === "OBJECT_CORRUPT",
    ...(hint === undefined ? {} : { hint }),
  });
}

/** S3's answer to a HEAD with an expired token: 400, and not a word why. */
function isSilent({ status, code }: StoreRefusal): boolean {
  return status === 400 && code === "";
}

function byStatus(status: number, context: RefusalContext): ErrorCode {
  if (status === 401 || status === 403) return "OBJECT_STORE_DENIED";
  if (status === 404) return context.notFound;
  if (status === 412) return "OBJECT_CHANGED";
  if (status === 408 || status === 429 || status >= 500) return "OBJECT_STORE_UNREACHABLE";
  if (status === 301 || status === 307) return "NOT_FOUND";
  return "OBJECT_REFUSED";
}
