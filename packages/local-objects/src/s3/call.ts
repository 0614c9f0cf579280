/** What an operation is given and what it gives back. */
import type { SignedExchange } from "../body/receive-body.ts";
import type { ObjectDatabase } from "../store/object-database.ts";
import type { ObjectVersion, NotificationRule } from "../store/records.ts";
import type { Bucket } from "../store/store-state.ts";
import { headerOf } from "./request.ts";
import { S3Error } from "./s3-error.ts";

/** Something happened to an object that somebody may want to be told about. */
export interface ObjectEvent {
  readonly bucket: string;
  /** For instance `ObjectCreated:Put`. */
  readonly name: string;
  readonly version: ObjectVersion;
  /** Whether the bucket keeps versions: only then the event names one. */
  readonly isVersioned: boolean;
  readonly rules: readonly NotificationRule[];
  /** Epoch milliseconds. */
  readonly atMs: number;
  readonly requestId: string;
  /** Where the request came from. */
  readonly clientAddress: string;
}

export interface S3Limits {
  /** Of one request's body. */
  readonly maxBodyBytes: number;
  /** Of every part but the last. */
  readonly minPartBytes: number;
}

export interface S3Services {
  readonly database: ObjectDatabase;
  readonly region: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly limits: S3Limits;
  readonly publish: (event: ObjectEvent) => void;
  /** Tells a queue that it has become a destination. */
  readonly announce: (bucket: string, queueArn: string) => void;
  /** Whether a queue of this ARN can be told. */
  readonly hasQueue: (arn: string) => boolean;
}

export interface S3Call extends SignedExchange {
  readonly services: S3Services;
  /** What a fault does to a listing. */
  readonly listFault: "empty" | "reversed" | null;
}

/** A body too large to hold: its length is known, its blocks come one by one. */
export interface StreamedBody {
  readonly sizeBytes: number;
  readonly blocks: AsyncIterable<Buffer>;
  /** Called once, whether anything was read or not. */
  readonly close: () => void;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | StreamedBody;
}

export type Operation = (call: S3Call) => Answer | Promise<Answer>;

/** The account everything belongs to. */
export const OWNER_ID = "000000000000";

/** The bucket the call names. @throws {S3Error} `NoSuchBucket` */
export function bucketOf({ request, services }: S3Call): Bucket {
  return bucketNamed(services, request.bucket ?? "");
}

/** @throws {S3Error} `NoSuchBucket` */
export function bucketNamed(services: S3Services, name: string): Bucket {
  const bucket = services.database.buckets.get(name);
  if (bucket !== undefined) return bucket;
  throw new S3Error("NoSuchBucket", { details: { BucketName: name } });
}

/** Tells whoever wants to know what happened to an object of `bucket`. */
export function publishEvent(
  { request, services }: S3Call,
  bucket: Bucket,
  event: Pick<ObjectEvent, "name" | "version">,
): void {
  if (bucket.notifications.length === 0) return;
  services.publish({
    ...event,
    bucket: bucket.name,
    isVersioned: bucket.versioning !== "unversioned",
    rules: bucket.notifications,
    atMs: services.now(),
    requestId: request.requestId,
    clientAddress: request.incoming.socket.remoteAddress ?? "127.0.0.1",
  });
}

/** The key the call names. */
export function keyOf({ request }: S3Call): string {
  return request.key ?? "";
}

/** Value of a request header by its lower-case name. */
export function callHeader(call: S3Call, name: string): string | undefined {
  return headerOf(call.request, name);
}

/** An XML document as an answer. */
export function xmlAnswer(body: string, headers: Answer["headers"] = {}): Answer {
  return { status: 200, headers: { "content-type": "application/xml", ...headers }, body };
}

/** Times in XML: whole seconds, as S3 keeps them. */
export function isoSeconds(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}.000Z`;
}
