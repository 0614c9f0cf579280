/** The queue with the change events of a store, from its URL. */
import type { ChangeHints } from "@cloudphoenix/objects";
import type { BlobAddress, ObjectAddress, S3Address } from "./object-address.ts";
import { regionOf } from "./open-place.ts";
import { blobCredential, type Environment, s3Keys } from "./store-keys.ts";

/** Hints that can be closed. */
export type OpenHints = ChangeHints & { close(): void };

/**
 * @param queueUrl - as SQS names a queue, or the URL of a Storage Queue
 * @throws {CloudPhoenixError} as `openPlace`
 */
export async function openHints(
  address: ObjectAddress,
  queueUrl: URL,
  environment: Environment,
): Promise<OpenHints> {
  return address.kind === "s3"
    ? openSqs(address, queueUrl, environment)
    : openStorageQueue(address, queueUrl, environment);
}

async function openSqs(
  address: S3Address,
  queueUrl: URL,
  environment: Environment,
): Promise<OpenHints> {
  const credentials = await s3Keys(address);
  const { SqsObjectEvents } = await import("@cloudphoenix/adapter-aws");
  return new SqsObjectEvents({
    queueUrl,
    region: regionOf(address, environment),
    bucket: address.bucket,
    ...(credentials === null ? {} : { credentials }),
    // The queue of a server of its own is there, too.
    ...(address.endpoint === null ? {} : { endpoint: new URL(queueUrl.origin) }),
  });
}

async function openStorageQueue(
  address: BlobAddress,
  queueUrl: URL,
  environment: Environment,
): Promise<OpenHints> {
  const { endpoint, queue } = queueOf(queueUrl);
  const credential = await blobCredential(address, endpoint, environment);
  const { BlobQueueEvents } = await import("@cloudphoenix/adapter-azure");
  return new BlobQueueEvents({ endpoint, queue, credential, container: address.container });
}

/** The last part of the path is the queue; what is before belongs to the endpoint of an emulator. */
function queueOf(queueUrl: URL): { readonly endpoint: URL; readonly queue: string } {
  const endpoint = new URL(queueUrl);
  const path = endpoint.pathname.split("/");
  const queue = path.pop() ?? "";
  endpoint.pathname = path.join("/");
  return { endpoint, queue };
}
