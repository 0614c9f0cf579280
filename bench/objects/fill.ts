import { hash, randomBytes } from "node:crypto";
import type { ObjectStore } from "@cloudphoenix/objects";

const PLAIN = {
  contentType: "application/octet-stream",
  contentEncoding: null,
  contentDisposition: null,
  contentLanguage: null,
  cacheControl: null,
  metadata: {},
  tags: {},
  stamp: null,
} as const;
const AT_ONCE = 32;
const LIMIT_MS = 60_000;

/** Stores `count` objects of random bytes, all different. */
export async function fill(store: ObjectStore, count: number, sizeBytes: number): Promise<void> {
  const bytes = randomBytes(sizeBytes);
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next; index < count; index = next) {
      next += 1;
      const body = Buffer.from(bytes);
      body.writeUInt32LE(index);
      const key = `d${index % 16}/${index.toString().padStart(7, "0")}`;
      await store.write(
        { key, properties: PLAIN, condition: { kind: "none" } },
        { bytes: body, md5: hash("md5", body, "hex") },
        AbortSignal.timeout(LIMIT_MS),
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, work));
}
