/** Data of the record types a zone here holds, between text and wire form. */
import { isIPv4 } from "node:net";
import { unreachable } from "@cloudphoenix/core";
import { encodeName, readName, TYPE, type WireRecord } from "./wire.ts";

/** Types a zone can hold besides its SOA. */
export const RECORD_TYPES = ["A", "CNAME", "NS", "TXT"] as const;
export type RecordType = (typeof RECORD_TYPES)[number];

/**
 * One record. `data` is an IPv4 address, a name in canonical spelling, or text. A TXT record of
 * several strings is held as their concatenation (RFC 7208 section 3.3 reads them so as well).
 */
export interface ZoneRecord {
  readonly name: string;
  readonly type: RecordType;
  readonly ttlS: number;
  readonly data: string;
}

/** The type with this number, or null if a zone cannot hold it. */
export function recordTypeOf(number: number): RecordType | null {
  return RECORD_TYPES.find((type) => TYPE[type] === number) ?? null;
}

/** @throws {RangeError} if `data` is not valid for `type` */
export function encodeData(type: RecordType, data: string): Buffer {
  switch (type) {
    case "A":
      return encodeAddress(data);
    case "CNAME":
    case "NS":
      return encodeName(data);
    case "TXT":
      return Buffer.concat(
        textStrings(data).map((part) => Buffer.concat([Buffer.from([part.length]), part])),
      );
    default:
      return unreachable(type);
  }
}

/** Reads the data of a record of `type`. @throws {RangeError} if it is malformed */
export function decodeData(type: RecordType, message: Buffer, record: WireRecord): string {
  switch (type) {
    case "A":
      if (record.end - record.dataStart !== 4) throw new RangeError("A record is not 4 bytes");
      return [...message.subarray(record.dataStart, record.end)].join(".");
    case "CNAME":
    case "NS": {
      const { name, end } = readName(message, record.dataStart);
      if (end !== record.end) throw new RangeError("name does not fill the record");
      return name;
    }
    case "TXT":
      return decodeText(message, record);
    default:
      return unreachable(type);
  }
}

/** Splits text into the strings of at most 255 bytes that a TXT record is made of. */
export function textStrings(text: string): readonly Buffer[] {
  const bytes = Buffer.from(text, "latin1");
  const strings: Buffer[] = [];
  for (let at = 0; at < bytes.length || strings.length === 0; at += 255) {
    strings.push(bytes.subarray(at, at + 255));
  }
  return strings;
}

function encodeAddress(data: string): Buffer {
  if (!isIPv4(data)) throw new RangeError(`not an IPv4 address: ${data}`);
  return Buffer.from(data.split(".").map(Number));
}

function decodeText(message: Buffer, record: WireRecord): string {
  let text = "";
  let at = record.dataStart;
  while (at < record.end) {
    const end = at + 1 + message.readUInt8(at);
    if (end > record.end) throw new RangeError("TXT string runs past its record");
    text += message.toString("latin1", at + 1, end);
    at = end;
  }
  return text;
}
