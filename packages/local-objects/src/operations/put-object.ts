import { checksumAlgorithmOf } from "../checksum/checksum.ts";
import { receiveBody } from "../body/receive-body.ts";
import { type Answer, bucketOf, callHeader, keyOf, type S3Call } from "../s3/call.ts";
import { S3Error } from "../s3/s3-error.ts";
import { currentObject, checksumHeaders, commitVersion } from "./versions.ts";
import { requireCondition, writeConditionOf } from "./conditions.ts";
import { propertiesOf } from "./properties.ts";

/** Stores one object from one request. */
export async function putObject(call: S3Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const key = keyOf(call);
  const properties = propertiesOf(call);
  const condition = writeConditionOf(call);
  // Early, so that a body nobody will keep need not travel; the commit checks again.
  requireCondition(condition, currentObject(bucket, key), key);
  const { services } = call;
  const body = await receiveBody(call, services.database.files, {
    maxBytes: services.limits.maxBodyBytes,
  });
  const { extents, sizeBytes, md5 } = body;
  const checksum =
    body.checksum === null ? null : { ...body.checksum, type: "FULL_OBJECT" as const };
  const { version, headers } = await commitVersion(
    call,
    { key, ...properties, sizeBytes, etag: md5, extents, checksum, parts: null },
    { bucket: bucket.name, condition, event: "Put", extents },
  );
  return {
    status: 200,
    headers: { etag: `"${version.etag}"`, ...headers, ...checksumHeaders(version) },
  };
}

/** The algorithm a header names; undefined without the header. @throws {S3Error} `InvalidRequest` */
export function algorithmNamed(
  call: S3Call,
  header: string,
): ReturnType<typeof checksumAlgorithmOf> | undefined {
  const name = callHeader(call, header);
  if (name === undefined) return undefined;
  const algorithm = checksumAlgorithmOf(name);
  if (algorithm !== null) return algorithm;
  throw new S3Error("InvalidRequest", {
    message:
      "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
  });
}
