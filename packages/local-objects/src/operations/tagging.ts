/** Tags of objects that exist already. */
import { receiveDocument } from "../body/receive-body.ts";
import { type Answer, bucketOf, keyOf, type S3Call, xmlAnswer } from "../s3/call.ts";
import { S3Error } from "../s3/s3-error.ts";
import type { Fields } from "../store/records.ts";
import { parseXml } from "../xml/parse-xml.ts";
import { xmlDocument } from "../xml/write-xml.ts";
import { validTags } from "./properties.ts";
import { isVersioned, objectFor } from "./versions.ts";

const DOCUMENT_MAX_BYTES = 64 * 1024;

export function getObjectTagging(call: S3Call): Answer {
  const bucket = bucketOf(call);
  const version = objectFor(bucket, keyOf(call), call.request.query.get("versionId"));
  const tags = Object.entries(version.tags).map(
    ([key, value]) =>
      [
        "Tag",
        [
          ["Key", key],
          ["Value", value],
        ],
      ] as const,
  );
  const headers: Fields = isVersioned(bucket) ? { "x-amz-version-id": version.versionId } : {};
  return xmlAnswer(xmlDocument("Tagging", [["TagSet", tags]]), headers);
}

export async function putObjectTagging(call: S3Call): Promise<Answer> {
  const root = parseXml(await receiveDocument(call, { maxBytes: DOCUMENT_MAX_BYTES }));
  const set = root?.name === "Tagging" ? root.child("TagSet") : undefined;
  if (set === undefined) throw new S3Error("MalformedXML");
  const pairs = set.all("Tag").map((tag) => {
    const [key, value] = [tag.textOf("Key"), tag.textOf("Value")];
    if (key === undefined || value === undefined) throw new S3Error("MalformedXML");
    return [key, value] as const;
  });
  return retag(call, validTags(pairs), 200);
}

export async function deleteObjectTagging(call: S3Call): Promise<Answer> {
  return retag(call, {}, 204);
}

async function retag(call: S3Call, tags: Fields, status: number): Promise<Answer> {
  const bucket = bucketOf(call);
  const { key, versionId } = objectFor(bucket, keyOf(call), call.request.query.get("versionId"));
  await call.services.database.commit({ type: "tags", bucket: bucket.name, key, versionId, tags });
  return { status, headers: isVersioned(bucket) ? { "x-amz-version-id": versionId } : {} };
}
