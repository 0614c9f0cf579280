/**
 * The hash that S3 keeps of an object stored in parts: `<MD5 of the parts' MD5s>-<number of parts>` is its ETag, unless
 * KMS or a customer's key encrypts it. How large the parts were, HEAD with a part's number tells.
 */
import type { HashOfParts, ObjectEntry } from "@cloudphoenix/objects";
import type { S3Call, S3Client } from "./s3-client.ts";
import { etagTellsMd5 } from "./s3-properties.ts";

/** Parts asked for at once. */
const AT_ONCE = 16;

/** Servers other than AWS's say so if they do not know parts. */
const NOT_KNOWN: ReadonlySet<number> = new Set([400, 405, 416, 501]);

/** See `ObjectStore.hashOfParts`. @throws {CloudPhoenixError} `OBJECT_GONE`, `OBJECT_CHANGED`, and as `S3Client.call` */
export async function hashOfParts(
  client: S3Client,
  version: Pick<ObjectEntry, "key" | "etag" | "sizeBytes">,
  sizes: "likely" | "each",
  signal: AbortSignal,
): Promise<HashOfParts | null> {
  const [, md5, digits] = /^([0-9a-f]{32})-(\d+)$/.exec(version.etag) ?? [];
  const count = Number(digits);
  if (md5 === undefined || count < 1) return null;
  const first = await askFor(client, version, 1, signal);
  if (first === null || first.count !== count) return null;
  const partBytes =
    (sizes === "likely" ? equalParts(version.sizeBytes, first.sizeBytes, count) : null) ??
    (await eachPart(client, version, [first.sizeBytes, count], signal));
  const isWhole = partBytes?.reduce((sum, bytes) => sum + bytes, 0) === version.sizeBytes;
  return partBytes !== null && isWhole ? { md5, partBytes } : null;
}

/** All as large as the first, and the last what is left; null if that does not come out. */
function equalParts(
  sizeBytes: number,
  firstBytes: number,
  count: number,
): readonly number[] | null {
  const lastBytes = sizeBytes - firstBytes * (count - 1);
  const fits =
    lastBytes >= (count === 1 ? 0 : 1) && lastBytes <= (count === 2 ? Infinity : firstBytes);
  if (!fits) return null;
  return Array.from({ length: count }, (_, index) => (index < count - 1 ? firstBytes : lastBytes));
}

async function eachPart(
  client: S3Client,
  version: Pick<ObjectEntry, "key" | "etag">,
  [firstBytes, count]: readonly [firstBytes: number, count: number],
  signal: AbortSignal,
): Promise<readonly number[] | null> {
  const partBytes = [firstBytes];
  while (partBytes.length < count) {
    const next = partBytes.length + 1;
    const numbers = Array.from(
      { length: Math.min(AT_ONCE, count - partBytes.length) },
      (_, index) => next + index,
    );
    const told = await Promise.all(
      numbers.map((number) => askFor(client, version, number, signal)),
    );
    for (const part of told) {
      if (part === null) return null;
      partBytes.push(part.sizeBytes);
    }
  }
  return partBytes;
}

/** Null if the server does not tell, or its ETag is not made of MD5s. */
async function askFor(
  client: S3Client,
  { key, etag }: Pick<ObjectEntry, "key" | "etag">,
  number: number,
  signal: AbortSignal,
): Promise<{ readonly sizeBytes: number; readonly count: number } | null> {
  const call: S3Call = {
    method: "HEAD",
    key,
    query: { partNumber: String(number) },
    headers: { "if-match": `"${etag}"` },
    doing: `looking at part ${number} of ${key}`,
    notFound: "OBJECT_GONE",
  };
  const answer = await client.tryCall(call, signal);
  if (answer.status >= 300 && !NOT_KNOWN.has(answer.status)) {
    throw await client.refuse(answer, call, signal);
  }
  answer.body.resume();
  if (answer.status >= 300 || !etagTellsMd5(answer.headers)) return null;
  return {
    sizeBytes: Number(answer.headers["content-length"]),
    count: Number(answer.headers["x-amz-mp-parts-count"]),
  };
}
