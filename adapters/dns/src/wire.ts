/**
 * DNS names and raw resource records on Buffers.
 *
 * `dns-packet` speaks ordinary queries and answers. It cannot carry the records UPDATE and TSIG are
 * made of (class NONE, empty RDATA, uncompressed names, the byte offset of a record), so those go
 * through here. Every reader throws `RangeError` on bytes it does not understand and never loops:
 * a compression pointer must point backwards (RFC 1035 section 4.1.4).
 */

export const HEADER_BYTES = 12;
export const CLASS = { IN: 1, NONE: 254, ANY: 255 } as const;
export const TYPE = { A: 1, NS: 2, CNAME: 5, SOA: 6, TXT: 16, TSIG: 250, ANY: 255 } as const;
export const OPCODE_UPDATE = 5;

/** A resource record whose data has not been understood yet. */
export interface WireRecord {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly ttlS: number;
  /** Where the record and its data start in the message, and where it ends. */
  readonly start: number;
  readonly dataStart: number;
  readonly end: number;
}

/** The header of a message. */
export interface WireHeader {
  readonly id: number;
  readonly isResponse: boolean;
  readonly opcode: number;
  readonly rcode: number;
  /** Entries in the four sections, in order. */
  readonly counts: readonly [number, number, number, number];
}

/** @throws {RangeError} if the message is shorter than a header */
export function readHeader(message: Buffer): WireHeader {
  const flags = message.readUInt16BE(2);
  return {
    id: message.readUInt16BE(0),
    isResponse: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 0xf,
    rcode: flags & 0xf,
    counts: [
      message.readUInt16BE(4),
      message.readUInt16BE(6),
      message.readUInt16BE(8),
      message.readUInt16BE(10),
    ],
  };
}

/** The canonical spelling of a name: lower case, no dot at the end. The root is the empty string. */
export function canonicalName(name: string): string {
  return name.toLowerCase().replace(/\.$/u, "");
}

/**
 * The canonical wire form: lower case, uncompressed (RFC 8945 section 4.3.3 asks for it).
 * @throws {RangeError} for an empty or overlong label or name, or bytes that are not printable ASCII
 */
export function encodeName(name: string): Buffer {
  const canonical = canonicalName(name);
  const labels = canonical === "" ? [] : canonical.split(".");
  const parts = labels.map((label) => {
    if (!/^[!-~]{1,63}$/u.test(label)) throw new RangeError(`not a DNS name: ${name}`);
    return Buffer.concat([Buffer.from([label.length]), Buffer.from(label, "latin1")]);
  });
  const encoded = Buffer.concat([...parts, Buffer.from([0])]);
  if (encoded.length > 255) throw new RangeError(`not a DNS name: ${name}`);
  return encoded;
}

/** Reads a name, compressed or not, in canonical spelling. */
export function readName(
  message: Buffer,
  offset: number,
): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = offset;
  let floor = offset;
  let end: number | null = null;
  let bytes = 1;
  for (let length = message.readUInt8(at); length !== 0; length = message.readUInt8(at)) {
    if (length >= 0xc0) {
      const target = message.readUInt16BE(at) & 0x3fff;
      if (target >= floor) throw new RangeError("compression pointer does not point backwards");
      end ??= at + 2;
      floor = target;
      at = target;
      continue;
    }
    const label = message.toString("latin1", at + 1, at + 1 + length).toLowerCase();
    // A dot inside a label would make two different names look the same once joined.
    if (length > 63 || label.length !== length || !/^[!-\-/-~]+$/u.test(label)) {
      throw new RangeError("label is not supported");
    }
    bytes += length + 1;
    if (bytes > 255) throw new RangeError("name is too long");
    labels.push(label);
    at += length + 1;
  }
  return { name: labels.join("."), end: end ?? at + 1 };
}

/** Reads the record at `start`. */
function readRecord(message: Buffer, start: number): WireRecord {
  const { name, end: fixed } = readName(message, start);
  const dataStart = fixed + 10;
  const end = dataStart + message.readUInt16BE(fixed + 8);
  if (end > message.length) throw new RangeError("record runs past the end of the message");
  return {
    name,
    type: message.readUInt16BE(fixed),
    class: message.readUInt16BE(fixed + 2),
    ttlS: message.readUInt32BE(fixed + 4),
    start,
    dataStart,
    end,
  };
}

/** Reads `count` records from `start`. */
export function readRecords(
  message: Buffer,
  start: number,
  count: number,
): { readonly records: readonly WireRecord[]; readonly end: number } {
  const records: WireRecord[] = [];
  let at = start;
  while (records.length < count) {
    const record = readRecord(message, at);
    records.push(record);
    at = record.end;
  }
  return { records, end: at };
}

/** Where the question (or zone) section ends; it holds `count` entries. */
export function skipQuestions(message: Buffer, count: number): number {
  let at = HEADER_BYTES;
  for (let index = 0; index < count; index += 1) at = readName(message, at).end + 4;
  if (at > message.length) throw new RangeError("question runs past the end of the message");
  return at;
}

/** Writes one record with an uncompressed name. */
export function writeRecord(record: {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly ttlS: number;
  readonly data: Buffer;
}): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(record.type, 0);
  fixed.writeUInt16BE(record.class, 2);
  fixed.writeUInt32BE(record.ttlS, 4);
  fixed.writeUInt16BE(record.data.length, 8);
  return Buffer.concat([encodeName(record.name), fixed, record.data]);
}
