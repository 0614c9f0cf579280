/**
 * Transaction signatures (RFC 8945) with HMAC: who sent a message, and that it is whole.
 *
 * Invariants:
 * 1. MACs are compared in constant time, and only at full length (no truncation, section 5.2.2.1).
 * 2. What a signature covers is rebuilt from the received bytes, never from decoded values.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import {
  CLASS,
  encodeName,
  readHeader,
  readName,
  readRecords,
  skipQuestions,
  TYPE,
  type WireRecord,
  writeRecord,
} from "./wire.ts";

/** Algorithms spoken, and their hash. The older ones (MD5, SHA-1) are not (RFC 8945 section 6). */
const HASHES = { "hmac-sha256": "sha256", "hmac-sha512": "sha512" } as const;

/** How far two clocks may differ; the value RFC 8945 section 10 recommends. */
const TSIG_FUDGE_S = 300;

/** A secret two sides share. */
export interface TsigKey {
  readonly name: string;
  readonly algorithm: keyof typeof HASHES;
  readonly secret: Buffer;
}

/** What a TSIG record says. */
export interface Tsig {
  readonly keyName: string;
  readonly algorithm: string;
  readonly timeS: number;
  readonly fudgeS: number;
  readonly mac: Buffer;
  readonly originalId: number;
  readonly error: number;
  readonly other: Buffer;
}

/** A message and the signature that came with it. `body` is the message as it was signed. */
export interface SignedMessage {
  readonly body: Buffer;
  readonly tsig: Tsig | null;
}

/** Everything about a signature besides the key and the message. */
export interface SigningOptions {
  readonly timeS: number;
  /** MAC of the request; given for a response, so that it cannot answer another request. */
  readonly requestMac?: Buffer;
  readonly error?: number;
  readonly other?: Buffer;
  /** Leaves the MAC empty: the form of a response to a key or MAC that was not accepted. */
  readonly unsigned?: boolean;
}

/** Appends a TSIG record to `message`. */
export function sign(
  message: Buffer,
  key: TsigKey,
  options: SigningOptions,
): { readonly message: Buffer; readonly mac: Buffer } {
  const fields: Tsig = {
    keyName: key.name,
    algorithm: key.algorithm,
    timeS: options.timeS,
    fudgeS: TSIG_FUDGE_S,
    mac: Buffer.alloc(0),
    originalId: message.readUInt16BE(0),
    error: options.error ?? 0,
    other: options.other ?? Buffer.alloc(0),
  };
  const mac =
    options.unsigned === true ? fields.mac : macOf(message, fields, key, options.requestMac);
  const signed = Buffer.concat([message, tsigRecord({ ...fields, mac })]);
  signed.writeUInt16BE(message.readUInt16BE(10) + 1, 10);
  return { message: signed, mac };
}

/**
 * Takes the TSIG record, which must be the last of all, off a message.
 * @throws {RangeError} if the message cannot be read or has a TSIG elsewhere
 */
export function split(message: Buffer): SignedMessage {
  const [questions, answers, authorities, additionals] = readHeader(message).counts;
  const { records } = readRecords(
    message,
    skipQuestions(message, questions),
    answers + authorities + additionals,
  );
  const last = records.at(-1);
  if (records.slice(0, -1).some((record) => record.type === TYPE.TSIG)) {
    throw new RangeError("TSIG is not the last record");
  }
  if (last === undefined || last.type !== TYPE.TSIG) return { body: message, tsig: null };
  if (additionals === 0) throw new RangeError("TSIG is not in the additional section");
  const tsig = readTsig(message, last);
  const body = Buffer.from(message.subarray(0, last.start));
  body.writeUInt16BE(additionals - 1, 10);
  body.writeUInt16BE(tsig.originalId, 0);
  return { body, tsig };
}

/** Whether `key` made this signature over this message (and, for a response, over the request). */
export function macIsValid(
  signed: { readonly body: Buffer; readonly tsig: Tsig },
  key: TsigKey,
  requestMac?: Buffer,
): boolean {
  if (signed.tsig.algorithm !== key.algorithm) return false;
  const expected = macOf(signed.body, signed.tsig, key, requestMac);
  return expected.length === signed.tsig.mac.length && timingSafeEqual(expected, signed.tsig.mac);
}

/** Whether the time of the signature is near enough to `nowS`. */
export function timeIsValid(tsig: Tsig, nowS: number): boolean {
  return Math.abs(nowS - tsig.timeS) <= tsig.fudgeS;
}

/** The 48-bit time BADTIME answers carry: the clock of the server. */
export function encodeTime(timeS: number): Buffer {
  const buffer = Buffer.alloc(6);
  buffer.writeUIntBE(timeS, 0, 6);
  return buffer;
}

function macOf(body: Buffer, tsig: Tsig, key: TsigKey, requestMac?: Buffer): Buffer {
  const hmac = createHmac(HASHES[key.algorithm], key.secret);
  if (requestMac !== undefined) hmac.update(uint16(requestMac.length)).update(requestMac);
  hmac.update(body);
  hmac.update(encodeName(tsig.keyName));
  hmac.update(Buffer.concat([uint16(CLASS.ANY), Buffer.alloc(4)]));
  hmac.update(encodeName(tsig.algorithm));
  hmac.update(Buffer.concat([encodeTime(tsig.timeS), uint16(tsig.fudgeS), uint16(tsig.error)]));
  hmac.update(uint16(tsig.other.length)).update(tsig.other);
  return hmac.digest();
}

function tsigRecord(tsig: Tsig): Buffer {
  const data = Buffer.concat([
    encodeName(tsig.algorithm),
    encodeTime(tsig.timeS),
    uint16(tsig.fudgeS),
    uint16(tsig.mac.length),
    tsig.mac,
    uint16(tsig.originalId),
    uint16(tsig.error),
    uint16(tsig.other.length),
    tsig.other,
  ]);
  return writeRecord({ name: tsig.keyName, type: TYPE.TSIG, class: CLASS.ANY, ttlS: 0, data });
}

function readTsig(message: Buffer, record: WireRecord): Tsig {
  // The MAC is computed over these two as they must be, not as they came.
  if (record.class !== CLASS.ANY || record.ttlS !== 0) throw new RangeError("not a TSIG record");
  const { name: algorithm, end } = readName(message, record.dataStart);
  const macLength = message.readUInt16BE(end + 8);
  const afterMac = end + 10 + macLength;
  const otherLength = message.readUInt16BE(afterMac + 4);
  const otherEnd = afterMac + 6 + otherLength;
  if (otherEnd !== record.end) throw new RangeError("TSIG data does not add up");
  return {
    keyName: record.name,
    algorithm,
    timeS: message.readUIntBE(end, 6),
    fudgeS: message.readUInt16BE(end + 6),
    mac: Buffer.from(message.subarray(end + 10, afterMac)),
    originalId: message.readUInt16BE(afterMac),
    error: message.readUInt16BE(afterMac + 2),
    other: Buffer.from(message.subarray(afterMac + 6, otherEnd)),
  };
}

function uint16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16BE(value, 0);
  return buffer;
}
