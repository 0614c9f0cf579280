/** What a client says about the body it is going to send, before a byte of it is read. */
import {
  CHECKSUM_ALGORITHMS,
  type ChecksumAlgorithm,
  checksumAlgorithmOf,
  checksumHeader,
  digestBytes,
} from "../checksum/checksum.ts";
import { headerOf, type S3Request } from "../s3/request.ts";
import { S3Error } from "../s3/s3-error.ts";

/** How the body travels; `x-amz-content-sha256` says it. */
export interface PayloadForm {
  readonly isChunked: boolean;
  readonly isSigned: boolean;
  readonly hasTrailer: boolean;
}

export interface ExpectedBody {
  /** Null for a body sent as it is. */
  readonly chunked: PayloadForm | null;
  /** Bytes of content, without framing. */
  readonly sizeBytes: number;
  /** Hexadecimal SHA-256 of the content that was signed; null if it was not. */
  readonly sha256: string | null;
  /** Base64 of `Content-MD5`. */
  readonly md5: string | null;
  /** The checksum to be made, and its value if it is known before the body; else a trailer has it. */
  readonly checksum: {
    readonly algorithm: ChecksumAlgorithm;
    readonly value: string | null;
  } | null;
}

const FORMS: Readonly<Record<string, PayloadForm>> = {
  "UNSIGNED-PAYLOAD": { isChunked: false, isSigned: false, hasTrailer: false },
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD": { isChunked: true, isSigned: true, hasTrailer: false },
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": {
    isChunked: true,
    isSigned: true,
    hasTrailer: true,
  },
  "STREAMING-UNSIGNED-PAYLOAD-TRAILER": { isChunked: true, isSigned: false, hasTrailer: true },
};

/** What stands for the body under the signature. @throws {S3Error} `InvalidArgument`, `InvalidRequest` */
export function payloadHashOf(request: S3Request): string {
  const given =
    headerOf(request, "x-amz-content-sha256") ?? request.query.get("X-Amz-Content-Sha256");
  if (given !== undefined) {
    if (Object.hasOwn(FORMS, given) || /^[\da-f]{64}$/u.test(given)) return given;
    throw new S3Error("InvalidArgument", {
      message:
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-UNSIGNED-PAYLOAD-TRAILER or a valid sha256 value.",
    });
  }
  if (headerOf(request, "authorization") === undefined) return "UNSIGNED-PAYLOAD";
  throw new S3Error("InvalidRequest", {
    message: "Missing required header for this request: x-amz-content-sha256",
  });
}

/** Reads what the headers promise. @throws {S3Error} if they promise nonsense */
export function expectedBody(request: S3Request, withChecksum: boolean): ExpectedBody {
  const hash = payloadHashOf(request);
  const form = FORMS[hash];
  const checksum = withChecksum ? checksumOfHeaders(request) : null;
  const trailer = trailerOf(request, form?.hasTrailer ?? false);
  if (trailer !== null && checksum !== null) {
    throw new S3Error("InvalidRequest", { message: "Expecting a single x-amz-checksum- header" });
  }
  if (withChecksum) requireAnnounced(request, checksum?.algorithm ?? trailer);
  return {
    chunked: form?.isChunked === true ? form : null,
    sizeBytes: contentBytes(request, form?.isChunked ?? false),
    sha256: form === undefined ? hash : null,
    md5: md5Of(request),
    checksum: trailer === null ? checksum : { algorithm: trailer, value: null },
  };
}

function contentBytes(request: S3Request, isChunked: boolean): number {
  const text = headerOf(request, isChunked ? "x-amz-decoded-content-length" : "content-length");
  if (text === undefined) throw new S3Error("MissingContentLength");
  if (/^\d{1,15}$/u.test(text)) return Number(text);
  throw new S3Error("InvalidArgument", { message: "The content length is not a number" });
}

function md5Of(request: S3Request): string | null {
  const given = headerOf(request, "content-md5");
  if (given === undefined) return null;
  if (isBase64Of(given, 16)) return given;
  throw new S3Error("InvalidDigest", { details: { "Content-MD5": given } });
}

function checksumOfHeaders(request: S3Request): ExpectedBody["checksum"] {
  const given = CHECKSUM_ALGORITHMS.flatMap((algorithm) => {
    const value = headerOf(request, checksumHeader(algorithm));
    return value === undefined ? [] : [{ algorithm, value }];
  });
  const [checksum, second] = given;
  if (second !== undefined) {
    throw new S3Error("InvalidRequest", { message: "Expecting a single x-amz-checksum- header" });
  }
  if (checksum === undefined) return null;
  requireChecksumForm(checksum.algorithm, checksum.value);
  return checksum;
}

/** @throws {S3Error} `InvalidRequest` if `value` cannot be such a checksum */
export function requireChecksumForm(algorithm: ChecksumAlgorithm, value: string): void {
  if (isBase64Of(value, digestBytes(algorithm))) return;
  throw new S3Error("InvalidRequest", {
    message: `Value for ${checksumHeader(algorithm)} header is invalid.`,
  });
}

function trailerOf(request: S3Request, hasTrailer: boolean): ChecksumAlgorithm | null {
  const name = headerOf(request, "x-amz-trailer");
  if (name === undefined) return null;
  const algorithm = checksumAlgorithmOf(name.trim().replace(/^x-amz-checksum-/iu, ""));
  if (!hasTrailer || algorithm === null) {
    throw new S3Error("InvalidRequest", {
      message: "The value specified in the x-amz-trailer header is not supported",
    });
  }
  return algorithm;
}

/** A client that names an algorithm must bring the value. */
function requireAnnounced(request: S3Request, brought: ChecksumAlgorithm | null): void {
  const announced = headerOf(request, "x-amz-sdk-checksum-algorithm");
  if (announced === undefined || checksumAlgorithmOf(announced) === brought) return;
  throw new S3Error("InvalidRequest", {
    message:
      "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
  });
}

function isBase64Of(text: string, bytes: number): boolean {
  const decoded = Buffer.from(text, "base64");
  return decoded.length === bytes && decoded.toString("base64") === text;
}
