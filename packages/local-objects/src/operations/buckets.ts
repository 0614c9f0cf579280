/** Making, finding, removing and setting up buckets. */
import { receiveDocument } from "../body/receive-body.ts";
import { type Answer, bucketOf, isoSeconds, OWNER_ID, type S3Call, xmlAnswer } from "../s3/call.ts";
import { S3Error } from "../s3/s3-error.ts";
import { parseXml } from "../xml/parse-xml.ts";
import { xmlDocument } from "../xml/write-xml.ts";

const DOCUMENT_MAX_BYTES = 64 * 1024;
const EMPTY = { status: 200, headers: {} } as const;

export function listBuckets({ services }: S3Call): Answer {
  const buckets = [...services.database.buckets.values()].toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  return xmlAnswer(
    xmlDocument("ListAllMyBucketsResult", [
      ["Owner", [["ID", OWNER_ID]]],
      [
        "Buckets",
        buckets.map(({ name, createdMs }) => [
          "Bucket",
          [
            ["Name", name],
            ["CreationDate", isoSeconds(createdMs)],
          ],
        ]),
      ],
    ]),
  );
}

export async function createBucket(call: S3Call): Promise<Answer> {
  const { services, request } = call;
  const name = request.bucket ?? "";
  requireBucketName(name);
  const constraint = await constraintOf(call);
  const expected = services.region === "us-east-1" ? "" : services.region;
  if (constraint !== expected) throw new S3Error("IllegalLocationConstraintException");
  if (services.database.buckets.has(name)) {
    // The oldest region has always taken a second creation for success.
    if (services.region !== "us-east-1") {
      throw new S3Error("BucketAlreadyOwnedByYou", { details: { BucketName: name } });
    }
  } else {
    await services.database.commit({ type: "bucket", bucket: name, createdMs: services.now() });
  }
  return { status: 200, headers: { location: `/${name}` } };
}

async function constraintOf(call: S3Call): Promise<string> {
  if ((call.request.incoming.headers["content-length"] ?? "0") === "0") return "";
  const text = await receiveDocument(call, { maxBytes: DOCUMENT_MAX_BYTES });
  if (text.trim() === "") return "";
  const root = parseXml(text);
  if (root?.name !== "CreateBucketConfiguration") throw new S3Error("MalformedXML");
  return root.textOf("LocationConstraint") ?? "";
}

function requireBucketName(name: string): void {
  const isValid = /^[a-z\d][a-z\d.-]{1,61}[a-z\d]$/u.test(name) && !name.includes("..");
  if (isValid && !/^\d+\.\d+\.\d+\.\d+$/u.test(name)) return;
  throw new S3Error("InvalidBucketName", { details: { BucketName: name } });
}

export function headBucket(call: S3Call): Answer {
  bucketOf(call);
  return { status: 200, headers: { "x-amz-bucket-region": call.services.region } };
}

export async function deleteBucket(call: S3Call): Promise<Answer> {
  const bucket = bucketOf(call);
  if (bucket.keys.size > 0 || bucket.uploads.size > 0) {
    throw new S3Error("BucketNotEmpty", { details: { BucketName: bucket.name } });
  }
  await call.services.database.commit({ type: "bucket-gone", bucket: bucket.name });
  return { status: 204, headers: {} };
}

export function getBucketLocation(call: S3Call): Answer {
  bucketOf(call);
  const { region } = call.services;
  const text = region === "us-east-1" ? "" : region;
  const head = '<?xml version="1.0" encoding="UTF-8"?>\n';
  const space = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
  return xmlAnswer(`${head}<LocationConstraint ${space}>${text}</LocationConstraint>`);
}

export function getBucketVersioning(call: S3Call): Answer {
  const { versioning } = bucketOf(call);
  const status = versioning === "unversioned" ? null : versioning;
  return xmlAnswer(xmlDocument("VersioningConfiguration", [["Status", status]]));
}

export async function putBucketVersioning(call: S3Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const text = await receiveDocument(call, { maxBytes: DOCUMENT_MAX_BYTES });
  const root = parseXml(text);
  const status = root?.name === "VersioningConfiguration" ? root.textOf("Status") : undefined;
  if (status !== "Enabled" && status !== "Suspended") throw new S3Error("MalformedXML");
  if (root?.textOf("MfaDelete") === "Enabled") throw new S3Error("NotImplemented");
  await call.services.database.commit({ type: "versioning", bucket: bucket.name, status });
  return EMPTY;
}

/** Settings this server does not have, so the true answer is that none is made. */
const UNSET = {
  cors: "NoSuchCORSConfiguration",
  lifecycle: "NoSuchLifecycleConfiguration",
  "object-lock": "ObjectLockConfigurationNotFoundError",
  policy: "NoSuchBucketPolicy",
  replication: "ReplicationConfigurationNotFoundError",
  tagging: "NoSuchTagSet",
} as const;

/** Answers questions for settings that cannot be made here, and refuses everything else by name. */
export function unsupported(call: S3Call): never {
  const { request } = call;
  if (request.bucket !== null) bucketOf(call);
  const setting = Object.entries(UNSET).find(([name]) => request.query.has(name));
  const isQuestion = request.method === "GET" && request.key === null;
  if (isQuestion && setting !== undefined) throw new S3Error(setting[1]);
  const what = request.query.pairs.map(([name]) => name).join("&");
  throw new S3Error("NotImplemented", {
    message: `${request.method} ${what === "" ? "here" : `?${what}`} is not implemented by this server`,
  });
}
