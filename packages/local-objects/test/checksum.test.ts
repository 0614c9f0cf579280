import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  CHECKSUM_ALGORITHMS,
  checksumHasher,
  checksumOf,
  checksumTypesOf,
  combineChecksums,
} from "../src/checksum/checksum.ts";

/** The check values of the CRC catalogue, and of FIPS 180. */
const KNOWN = {
  CRC32: "cbf43926",
  CRC32C: "e3069283",
  CRC64NVME: "ae8b14860a799888",
  SHA1: "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
  SHA256: "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
} as const;

describe.each(CHECKSUM_ALGORITHMS)("%s", (algorithm) => {
  test("gives the published value of 123456789", () => {
    const base64 = checksumOf(algorithm, Buffer.from("123456789"));
    expect(Buffer.from(base64, "base64").toString("hex")).toBe(KNOWN[algorithm]);
  });

  test("gives the same whichever way the bytes arrive", () => {
    const bytes = randomBytes(1000);
    const hasher = checksumHasher(algorithm);
    for (const [from, to] of [
      [0, 0],
      [0, 1],
      [1, 14],
      [14, 777],
      [777, 1000],
    ]) {
      hasher.update(bytes.subarray(from, to));
    }
    expect(hasher.digest().toString("base64")).toBe(checksumOf(algorithm, bytes));
  });
});

test("the CRC of the whole follows from those of its parts, also empty and odd ones", () => {
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    if (!checksumTypesOf(algorithm).includes("FULL_OBJECT")) continue;
    const parts = [65_536, 65_536, 0, 1, 4097].map((size) => randomBytes(size));
    const combined = combineChecksums(
      algorithm,
      "FULL_OBJECT",
      parts.map((part) => ({ value: checksumOf(algorithm, part), sizeBytes: part.length })),
    );
    expect(combined.value).toBe(checksumOf(algorithm, Buffer.concat(parts)));
  }
});
