/** UPDATE messages (RFC 2136 section 2) between their wire form and what they mean. */
import { unreachable } from "@cloudphoenix/core";
import {
  decodeData,
  encodeData,
  type RecordType,
  recordTypeOf,
  type ZoneRecord,
} from "./record-data.ts";
import {
  CLASS,
  encodeName,
  HEADER_BYTES,
  OPCODE_UPDATE,
  readHeader,
  readName,
  readRecords,
  TYPE,
  type WireRecord,
  writeRecord,
} from "./wire.ts";

/** What must hold for an update to be applied (section 2.4). */
export type Prerequisite =
  | { readonly kind: "name-in-use"; readonly name: string }
  | { readonly kind: "name-not-in-use"; readonly name: string }
  | { readonly kind: "set-exists"; readonly name: string; readonly type: number }
  | { readonly kind: "set-absent"; readonly name: string; readonly type: number }
  /** One member of a set that must be exactly the members listed. */
  | {
      readonly kind: "set-holds";
      readonly name: string;
      readonly type: RecordType;
      readonly data: string;
    };

/** One change (section 2.5). */
export type Change =
  | { readonly kind: "add"; readonly record: ZoneRecord }
  | { readonly kind: "delete-set"; readonly name: string; readonly type: number }
  | { readonly kind: "delete-name"; readonly name: string }
  | {
      readonly kind: "delete-record";
      readonly name: string;
      readonly type: RecordType;
      readonly data: string;
    };

export interface UpdateRequest {
  readonly zone: string;
  readonly prerequisites: readonly Prerequisite[];
  readonly changes: readonly Change[];
}

/** The request uses a record type this implementation does not hold. */
export class UnsupportedTypeError extends Error {
  override readonly name: string = "UnsupportedTypeError";
}

/** Builds the unsigned message. @throws {RangeError} for a name or value that cannot be written */
export function encodeUpdate(id: number, update: UpdateRequest): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(OPCODE_UPDATE << 11, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(update.prerequisites.length, 6);
  header.writeUInt16BE(update.changes.length, 8);
  const zone = Buffer.concat([encodeName(update.zone), Buffer.from([0, TYPE.SOA, 0, CLASS.IN])]);
  return Buffer.concat([
    header,
    zone,
    ...update.prerequisites.map(encodePrerequisite),
    ...update.changes.map(encodeChange),
  ]);
}

/**
 * Reads an UPDATE. Whether its names lie in the zone is for the zone to say.
 * @throws {RangeError} for a malformed message, `UnsupportedTypeError` for other record types
 */
export function decodeUpdate(message: Buffer): UpdateRequest {
  const [zones, prerequisites, changes] = readHeader(message).counts;
  if (zones !== 1) throw new RangeError("an update names exactly one zone");
  const zone = readName(message, HEADER_BYTES);
  const isSoa = message.readUInt16BE(zone.end) === TYPE.SOA;
  if (!isSoa || message.readUInt16BE(zone.end + 2) !== CLASS.IN) {
    throw new RangeError("the zone section must be of type SOA and class IN");
  }
  const first = readRecords(message, zone.end + 4, prerequisites);
  const second = readRecords(message, first.end, changes);
  return {
    zone: zone.name,
    prerequisites: first.records.map((record) => decodePrerequisite(message, record)),
    changes: second.records.map((record) => decodeChange(message, record)),
  };
}

function decodePrerequisite(message: Buffer, record: WireRecord): Prerequisite {
  if (record.ttlS !== 0) throw new RangeError("a prerequisite has a TTL of 0");
  const { name, type } = record;
  if (record.class === CLASS.IN) {
    const known = supported(type);
    return { kind: "set-holds", name, type: known, data: decodeData(known, message, record) };
  }
  expectNoData(record);
  if (record.class === CLASS.ANY) {
    return type === TYPE.ANY ? { kind: "name-in-use", name } : { kind: "set-exists", name, type };
  }
  if (record.class !== CLASS.NONE) throw new RangeError("class of a prerequisite");
  return type === TYPE.ANY ? { kind: "name-not-in-use", name } : { kind: "set-absent", name, type };
}

function decodeChange(message: Buffer, record: WireRecord): Change {
  const { name, ttlS } = record;
  if (record.class === CLASS.ANY) {
    expectNoData(record);
    if (ttlS !== 0) throw new RangeError("a deletion has a TTL of 0");
    if (record.type === TYPE.ANY) return { kind: "delete-name", name };
    return { kind: "delete-set", name, type: record.type };
  }
  const type = supported(record.type);
  const data = decodeData(type, message, record);
  if (record.class === CLASS.IN) return { kind: "add", record: { name, type, ttlS, data } };
  if (record.class !== CLASS.NONE || ttlS !== 0) throw new RangeError("class of an update");
  return { kind: "delete-record", name, type, data };
}

function encodePrerequisite(wanted: Prerequisite): Buffer {
  const empty = { name: wanted.name, ttlS: 0, data: Buffer.alloc(0) };
  switch (wanted.kind) {
    case "name-in-use":
      return writeRecord({ ...empty, type: TYPE.ANY, class: CLASS.ANY });
    case "name-not-in-use":
      return writeRecord({ ...empty, type: TYPE.ANY, class: CLASS.NONE });
    case "set-exists":
      return writeRecord({ ...empty, type: wanted.type, class: CLASS.ANY });
    case "set-absent":
      return writeRecord({ ...empty, type: wanted.type, class: CLASS.NONE });
    case "set-holds": {
      const data = encodeData(wanted.type, wanted.data);
      return writeRecord({ ...empty, type: TYPE[wanted.type], class: CLASS.IN, data });
    }
    default:
      return unreachable(wanted);
  }
}

function encodeChange(change: Change): Buffer {
  const none = Buffer.alloc(0);
  switch (change.kind) {
    case "add": {
      const { name, type, ttlS, data } = change.record;
      const bytes = encodeData(type, data);
      return writeRecord({ name, type: TYPE[type], class: CLASS.IN, ttlS, data: bytes });
    }
    case "delete-set": {
      const { name, type } = change;
      return writeRecord({ name, type, class: CLASS.ANY, ttlS: 0, data: none });
    }
    case "delete-name":
      return writeRecord({
        name: change.name,
        type: TYPE.ANY,
        class: CLASS.ANY,
        ttlS: 0,
        data: none,
      });
    case "delete-record": {
      const { name, type } = change;
      const data = encodeData(type, change.data);
      return writeRecord({ name, type: TYPE[type], class: CLASS.NONE, ttlS: 0, data });
    }
    default:
      return unreachable(change);
  }
}

function supported(type: number): RecordType {
  const known = recordTypeOf(type);
  if (known === null) throw new UnsupportedTypeError(`record type ${type} is not supported`);
  return known;
}

function expectNoData(record: WireRecord): void {
  if (record.end !== record.dataStart) throw new RangeError("unexpected data in an update");
}
