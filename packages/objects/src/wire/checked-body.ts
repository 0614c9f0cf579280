/** Bodies that are what was stored, or an error: promise 1 of the object store port. */
import { createHash, hash } from "node:crypto";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { ByteRange } from "../object-store.ts";
import type { HttpTransport, WireAnswer } from "./http-transport.ts";

/** What is known of a body before it comes. */
export interface ExpectedBody {
  /** For the error's sentence, `s3://receipts: receipts/1`. */
  readonly what: string;
  readonly sizeBytes: number;
  /** Hexadecimal; null if nobody knows it. */
  readonly md5: string | null;
}

/** The whole body in memory with its MD5. @throws {CloudPhoenixError} `OBJECT_CORRUPT`, and as `HttpTransport.collect` */
export async function collectChecked(
  transport: HttpTransport,
  answer: WireAnswer,
  expected: ExpectedBody,
  signal: AbortSignal,
): Promise<{ readonly bytes: Uint8Array; readonly md5: string }> {
  const bytes = await transport.collect(answer, expected.sizeBytes, signal);
  if (bytes.length !== expected.sizeBytes) throw wrongLength(expected, bytes.length);
  const md5 = hash("md5", bytes, "hex");
  if (expected.md5 !== null && expected.md5 !== md5) throw wrongHash(expected, md5);
  return { bytes, md5 };
}

/** The body as it comes; the error comes in place of the end. @throws as `collectChecked` */
export async function* streamChecked(
  transport: HttpTransport,
  answer: WireAnswer,
  expected: ExpectedBody,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const md5 = expected.md5 === null ? null : createHash("md5");
  let length = 0;
  for await (const chunk of transport.stream(answer, signal)) {
    length += chunk.length;
    if (length > expected.sizeBytes) throw wrongLength(expected, length);
    md5?.update(chunk);
    yield chunk;
  }
  if (length !== expected.sizeBytes) throw wrongLength(expected, length);
  const found = md5?.digest("hex") ?? null;
  if (found !== null && found !== expected.md5) throw wrongHash(expected, found);
}

/**
 * What a range's body is expected to be. @throws {CloudPhoenixError} `OBJECT_CORRUPT` if the answer
 * is about other bytes than were asked for; its connection has ended then: nobody will take its body
 */
export function expectedRange(
  answer: WireAnswer,
  { firstByte, lastByte }: ByteRange,
  what: string,
): ExpectedBody {
  const told = answer.headers["content-range"] ?? "no range";
  if (!told.startsWith(`bytes ${firstByte}-${lastByte}/`)) {
    answer.body.destroy();
    throw corrupt(`${what}: bytes ${firstByte}-${lastByte} were asked for, ${told} came`);
  }
  return { what, sizeBytes: lastByte - firstByte + 1, md5: null };
}

/**
 * Compares what a store says it keeps with what was sent; one that says nothing is believed.
 * @throws {CloudPhoenixError} `OBJECT_CORRUPT`
 */
export function checkStored(what: string, stored: string | null, sent: string): void {
  if (stored === null || stored === sent) return;
  const message = `${what}: bytes with MD5 ${stored} are stored, not ${sent}`;
  throw new CloudPhoenixError("OBJECT_CORRUPT", message, { retryable: true });
}

function wrongLength({ what, sizeBytes }: ExpectedBody, came: number): CloudPhoenixError {
  return corrupt(`${what}: ${came} bytes came where ${sizeBytes} were stored`);
}

function wrongHash({ what, md5 }: ExpectedBody, found: string): CloudPhoenixError {
  return corrupt(`${what}: the bytes have MD5 ${found}, stored were bytes with ${md5}`);
}

function corrupt(message: string): CloudPhoenixError {
  return new CloudPhoenixError("OBJECT_CORRUPT", message, {
    retryable: true,
    hint: "Read it again; if it stays so, compare the object with another copy of it.",
  });
}
