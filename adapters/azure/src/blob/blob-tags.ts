/** A blob's index tags. */
import { readTagSet, TAG_SET_MAX_BYTES, type WireAnswer } from "@cloudphoenix/objects/wire";
import type { StorageClient } from "../storage-client.ts";

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
  const body = await client.transport.collect(asked, TAG_SET_MAX_BYTES, signal);
  return readTagSet(body.toString("utf8"));
}
