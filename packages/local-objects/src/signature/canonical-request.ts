/** The arithmetic of AWS Signature Version 4: what is signed, with which key. No judgement here. */
import { createHash, createHmac, hash, timingSafeEqual } from "node:crypto";
import { percentEncode, percentEncodePath } from "../percent-encoding.ts";

/** Hash of an empty body. */
export const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

export interface SignedParts {
  readonly method: string;
  /** Decoded. */
  readonly path: string;
  /** Decoded, without `X-Amz-Signature`. */
  readonly query: readonly (readonly [name: string, value: string])[];
  /** Lower-case names in the order they were signed. */
  readonly signedHeaders: readonly string[];
  readonly header: (name: string) => string | undefined;
  /** Hash of the body, or the word that stands for it. */
  readonly payloadHash: string;
}

/** Where and when a signature holds: `20260131/eu-west-1/s3/aws4_request`. */
export interface SignatureScope {
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

export function scopeText({ date, region, service }: SignatureScope): string {
  return `${date}/${region}/${service}/aws4_request`;
}

/** The text a request is signed by. */
export function stringToSign(parts: SignedParts, amzDate: string, scope: SignatureScope): string {
  const query = parts.query
    .map(([name, value]) => [percentEncode(name), percentEncode(value)] as const)
    .toSorted(([a, x], [b, y]) => (a === b ? order(x, y) : order(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
  const headers = parts.signedHeaders.map(
    (name) => `${name}:${(parts.header(name) ?? "").trim().replace(/ +/gu, " ")}\n`,
  );
  const canonical = [
    parts.method,
    percentEncodePath(parts.path),
    query,
    headers.join(""),
    parts.signedHeaders.join(";"),
    parts.payloadHash,
  ].join("\n");
  return ["AWS4-HMAC-SHA256", amzDate, scopeText(scope), hash("sha256", canonical)].join("\n");
}

function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The key of one day, region and service. */
export function signingKey(secret: string, { date, region, service }: SignatureScope): Buffer {
  const ofDate = hmac(`AWS4${secret}`, date);
  return hmac(hmac(hmac(ofDate, region), service), "aws4_request");
}

/** Hexadecimal signature of `text`. */
export function sign(key: Buffer, text: string): string {
  return createHmac("sha256", key).update(text).digest("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

/** Compares without telling by its duration where the difference is. */
export function equalSignatures(a: string, b: string): boolean {
  const [left, right] = [digestOf(a), digestOf(b)];
  return timingSafeEqual(left, right);
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
