/** A blob's index tags. */
import { child, childText, parseXml, type WireAnswer } from "@cloudphoenix/objects/wire";
import type { StorageClient } from "../storage-client.ts";

/** Ten tags of 128 and 256 characters, escaped. */
const TAGS_MAX_BYTES = 64 * 1024;

/** Tags of the version that `answer` is about; asks only if the answer says that there are any. */
export async function readTags(
  client: StorageClient,
  key: string,
  answer: WireAnswer,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  if (Number(answer.headers["x-ms-tag-count"] ?? 0) === 0) return {};
  const asked = await client.call(
    {
      method: "GET",
      key,
      query: "?comp=tags",
      doing: `reading tags of ${key}`,
      notFound: "OBJECT_GONE",
    },
    signal,
  );
  const body = await client.transport.collect(asked, TAGS_MAX_BYTES, signal);
  const root = parseXml(body.toString("utf8").replace(/^\ufeff/, ""));
  const set = root === null ? undefined : child(root, "TagSet");
  return Object.fromEntries(
    (set?.children ?? []).map((tag) => [
      childText(tag, "Key") ?? "",
      childText(tag, "Value") ?? "",
    ]),
  );
}
