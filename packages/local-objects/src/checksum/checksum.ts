/** The checksum algorithms of S3, under their names there. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { combineCrc, type CrcField, type PowerCache } from "./combine-crc.ts";
import { type Crc64, crc32c, crc64nvme } from "./crc-tables.ts";

export const CHECKSUM_ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/**
 * Of a whole object that arrived in parts: `FULL_OBJECT` is over its bytes, `COMPOSITE` over the
 * checksums of its parts.
 */
export type ChecksumType = "COMPOSITE" | "FULL_OBJECT";

/** A value as S3 writes it: base64, with `-N` for N parts if composite. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  readonly value: string;
}

/** Takes bytes, gives a digest once. */
export interface ByteHasher {
  update(bytes: Uint8Array): void;
  digest(): Buffer;
}

/** The algorithm of that name, in any case; null if there is none. */
export function checksumAlgorithmOf(name: string): ChecksumAlgorithm | null {
  const upper = name.toUpperCase();
  return CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === upper) ?? null;
}

/** Header and trailer that carry a checksum. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** Length of the digest. */
export function digestBytes(algorithm: ChecksumAlgorithm): number {
  return { CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32 }[algorithm];
}

export function checksumHasher(algorithm: ChecksumAlgorithm): ByteHasher {
  return HASHERS[algorithm]();
}

const HASHERS: Readonly<Record<ChecksumAlgorithm, () => ByteHasher>> = {
  CRC32: () => crc32Hasher((bytes, previous) => crc32(bytes, previous)),
  CRC32C: () => crc32Hasher(crc32c),
  CRC64NVME: () => crc64Hasher(),
  SHA1: () => createHash("sha1"),
  SHA256: () => createHash("sha256"),
};

/** Base64 checksum of bytes in memory. */
export function checksumOf(algorithm: ChecksumAlgorithm, bytes: Uint8Array): string {
  const hasher = checksumHasher(algorithm);
  hasher.update(bytes);
  return hasher.digest().toString("base64");
}

function crc32Hasher(next: (bytes: Uint8Array, previous: number) => number): ByteHasher {
  let crc = 0;
  return {
    update: (bytes) => {
      crc = next(bytes, crc);
    },
    digest: () => {
      const digest = Buffer.alloc(4);
      digest.writeUInt32BE(crc);
      return digest;
    },
  };
}

function crc64Hasher(): ByteHasher {
  let crc: Crc64 = { low: 0, high: 0 };
  return {
    update: (bytes) => {
      crc = crc64nvme(bytes, crc);
    },
    digest: () => {
      const digest = Buffer.alloc(8);
      digest.writeUInt32BE(crc.high, 0);
      digest.writeUInt32BE(crc.low, 4);
      return digest;
    },
  };
}

/** Only CRCs of parts can become the one of the whole; polynomials reflected. */
const FIELDS: Partial<Record<ChecksumAlgorithm, CrcField>> = {
  CRC32: { bits: 32n, polynomial: 0xedb8_8320n },
  CRC32C: { bits: 32n, polynomial: 0x82f6_3b78n },
  CRC64NVME: { bits: 64n, polynomial: 0x9a6c_9329_ac4b_c9b5n },
};

/** Which types an algorithm may have for an object in parts, the usual one first. */
export function checksumTypesOf(algorithm: ChecksumAlgorithm): readonly ChecksumType[] {
  if (algorithm === "CRC64NVME") return ["FULL_OBJECT"];
  return FIELDS[algorithm] === undefined ? ["COMPOSITE"] : ["COMPOSITE", "FULL_OBJECT"];
}

/** One part's share: base64 digest and length. */
export interface PartChecksum {
  readonly value: string;
  readonly sizeBytes: number;
}

/** The checksum of an object from those of its parts. */
export function combineChecksums(
  algorithm: ChecksumAlgorithm,
  type: ChecksumType,
  parts: readonly PartChecksum[],
): Checksum {
  const field = FIELDS[algorithm];
  if (type === "COMPOSITE" || field === undefined) {
    const digests = Buffer.concat(parts.map((part) => Buffer.from(part.value, "base64")));
    return { algorithm, type, value: `${checksumOf(algorithm, digests)}-${parts.length}` };
  }
  const powers: PowerCache = new Map();
  const whole = parts.reduce((crc, part) => {
    const second = { crc: numberOf(part.value), bytes: part.sizeBytes };
    return combineCrc(field, crc, second, powers);
  }, 0n);
  const hex = whole.toString(16).padStart(digestBytes(algorithm) * 2, "0");
  return { algorithm, type, value: Buffer.from(hex, "hex").toString("base64") };
}

function numberOf(base64: string): bigint {
  return BigInt(`0x${Buffer.from(base64, "base64").toString("hex")}`);
}
