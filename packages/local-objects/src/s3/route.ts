/** Which operation a request means. The names are those of the API; counters and faults use them. */
import * as buckets from "../operations/buckets.ts";
import { copyObject, uploadPartCopy } from "../operations/copy-object.ts";
import { completeMultipartUpload } from "../operations/complete-upload.ts";
import { deleteObject, deleteObjects } from "../operations/delete-objects.ts";
import { getObject } from "../operations/get-object.ts";
import { listObjectsV1, listObjectsV2 } from "../operations/list-objects.ts";
import { listMultipartUploads } from "../operations/list-uploads.ts";
import { listObjectVersions } from "../operations/list-versions.ts";
import { getBucketNotification, putBucketNotification } from "../operations/notifications.ts";
import { getObjectAttributes } from "../operations/object-attributes.ts";
import * as tagging from "../operations/tagging.ts";
import * as multipart from "../operations/multipart.ts";
import { putObject } from "../operations/put-object.ts";
import type { Operation } from "./call.ts";
import { headerOf, type S3Request } from "./request.ts";

/** An operation this server has; `Unsupported` refuses the others. */
export type OperationName =
  | "AbortMultipartUpload"
  | "CompleteMultipartUpload"
  | "CopyObject"
  | "CreateBucket"
  | "CreateMultipartUpload"
  | "DeleteBucket"
  | "DeleteObject"
  | "DeleteObjects"
  | "DeleteObjectTagging"
  | "GetBucketLocation"
  | "GetBucketNotificationConfiguration"
  | "GetBucketVersioning"
  | "GetObject"
  | "GetObjectAttributes"
  | "GetObjectTagging"
  | "HeadBucket"
  | "HeadObject"
  | "ListBuckets"
  | "ListMultipartUploads"
  | "ListObjects"
  | "ListObjectsV2"
  | "ListObjectVersions"
  | "ListParts"
  | "PutBucketNotificationConfiguration"
  | "PutBucketVersioning"
  | "PutObject"
  | "PutObjectTagging"
  | "Unsupported"
  | "UploadPart"
  | "UploadPartCopy";

/** What each does. */
export const OPERATIONS: Readonly<Record<OperationName, Operation>> = {
  ListBuckets: buckets.listBuckets,
  CreateBucket: buckets.createBucket,
  HeadBucket: buckets.headBucket,
  DeleteBucket: buckets.deleteBucket,
  GetBucketLocation: buckets.getBucketLocation,
  GetBucketVersioning: buckets.getBucketVersioning,
  PutBucketVersioning: buckets.putBucketVersioning,
  ListObjects: listObjectsV1,
  ListObjectsV2: listObjectsV2,
  DeleteObjects: deleteObjects,
  PutObject: putObject,
  GetObject: getObject,
  HeadObject: getObject,
  DeleteObject: deleteObject,
  CreateMultipartUpload: multipart.createMultipartUpload,
  UploadPart: multipart.uploadPart,
  CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: multipart.abortMultipartUpload,
  ListParts: multipart.listParts,
  ListMultipartUploads: listMultipartUploads,
  ListObjectVersions: listObjectVersions,
  CopyObject: copyObject,
  UploadPartCopy: uploadPartCopy,
  GetObjectTagging: tagging.getObjectTagging,
  PutObjectTagging: tagging.putObjectTagging,
  DeleteObjectTagging: tagging.deleteObjectTagging,
  GetObjectAttributes: getObjectAttributes,
  GetBucketNotificationConfiguration: getBucketNotification,
  PutBucketNotificationConfiguration: putBucketNotification,
  Unsupported: buckets.unsupported,
};

/** By what is addressed, method and subresource. */
const ROUTES: Readonly<Record<string, OperationName>> = {
  "service GET": "ListBuckets",
  "bucket PUT": "CreateBucket",
  "bucket HEAD": "HeadBucket",
  "bucket DELETE": "DeleteBucket",
  "bucket GET": "ListObjects",
  "bucket GET list-type": "ListObjectsV2",
  "bucket GET location": "GetBucketLocation",
  "bucket GET versioning": "GetBucketVersioning",
  "bucket PUT versioning": "PutBucketVersioning",
  "bucket POST delete": "DeleteObjects",
  "object PUT": "PutObject",
  "object GET": "GetObject",
  "object HEAD": "HeadObject",
  "object DELETE": "DeleteObject",
  "object POST uploads": "CreateMultipartUpload",
  "object PUT uploadId": "UploadPart",
  "object POST uploadId": "CompleteMultipartUpload",
  "object DELETE uploadId": "AbortMultipartUpload",
  "object GET uploadId": "ListParts",
  "bucket GET uploads": "ListMultipartUploads",
  "bucket GET versions": "ListObjectVersions",
  "bucket GET notification": "GetBucketNotificationConfiguration",
  "bucket PUT notification": "PutBucketNotificationConfiguration",
  "object PUT from another": "CopyObject",
  "object PUT uploadId from another": "UploadPartCopy",
  "object GET tagging": "GetObjectTagging",
  "object PUT tagging": "PutObjectTagging",
  "object DELETE tagging": "DeleteObjectTagging",
  "object GET attributes": "GetObjectAttributes",
};

/** Query parameters that name another resource than the bucket or object itself. */
const SUBRESOURCES: ReadonlySet<string> = new Set([
  "accelerate",
  "acl",
  "analytics",
  "attributes",
  "cors",
  "delete",
  "encryption",
  "intelligent-tiering",
  "inventory",
  "legal-hold",
  "lifecycle",
  "list-type",
  "location",
  "logging",
  "metrics",
  "notification",
  "object-lock",
  "ownershipControls",
  "policy",
  "policyStatus",
  "publicAccessBlock",
  "replication",
  "requestPayment",
  "restore",
  "retention",
  "select",
  "tagging",
  "torrent",
  "uploadId",
  "uploads",
  "versioning",
  "versions",
  "website",
]);

/** The operation; `Unsupported` for what this server does not have. */
export function operationOf(request: S3Request): OperationName {
  const { bucket, key, method, query } = request;
  const resource = bucket === null ? "service" : key === null ? "bucket" : "object";
  const subresource = query.pairs.find(([name]) => SUBRESOURCES.has(name))?.[0];
  const route = subresource === undefined ? "" : ` ${subresource}`;
  const copies = headerOf(request, "x-amz-copy-source") === undefined ? "" : " from another";
  return ROUTES[`${resource} ${method}${route}${copies}`] ?? "Unsupported";
}
