/** An object's tags. */
import { readTagSet, TAG_SET_MAX_BYTES, type WireAnswer } from "@cloudphoenix/objects/wire";
import type { S3Client } from "./s3-client.ts";

/** Tags of the object that `answer` is about; asks only if the answer says that there are any. */
export async function readTags(
  client: S3Client,
  key: string,
  answer: WireAnswer,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  if (Number(answer.headers["x-amz-tagging-count"] ?? 0) === 0) return {};
  const doing = `reading tags of ${key}`;
  const text = await client.text(
    { method: "GET", key, query: { tagging: "" }, doing, notFound: "OBJECT_GONE" },
    TAG_SET_MAX_BYTES,
    signal,
  );
  return readTagSet(text);
}
