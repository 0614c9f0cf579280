/** An object's tags. */
import { child, childText, parseXml, type WireAnswer } from "@cloudphoenix/objects/wire";
import type { S3Client } from "./s3-client.ts";

/** Ten tags of 128 and 256 characters, escaped. */
const TAGS_MAX_BYTES = 64 * 1024;

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
    TAGS_MAX_BYTES,
    signal,
  );
  const root = parseXml(text);
  const set = root === null ? undefined : child(root, "TagSet");
  return Object.fromEntries(
    (set?.children ?? []).map((tag) => [
      childText(tag, "Key") ?? "",
      childText(tag, "Value") ?? "",
    ]),
  );
}
