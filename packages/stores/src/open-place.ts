/** A store from its address. Each cloud's adapter is loaded only if it is used. */
import { CloudPhoenixError, objectLocation, type ObjectLocation } from "@cloudphoenix/core";
import type { ObjectPlace, ObjectStore } from "@cloudphoenix/objects";
import type { BlobAddress, ObjectAddress, S3Address } from "./object-address.ts";
import { blobCredential, type Environment, s3Keys } from "./store-keys.ts";

/** A place that can be read and written; `close` gives back its connections. */
export interface OpenPlace extends ObjectPlace {
  /** What tells this place from every other one, credentials aside. */
  readonly identity: string;
  readonly location: ObjectLocation;
  close(): void;
}

/** @throws {CloudPhoenixError} `BAD_REQUEST`, `CONFIG_UNREADABLE`, `CONFIG_INVALID` */
export async function openPlace(
  address: ObjectAddress,
  environment: Environment,
): Promise<OpenPlace> {
  const store =
    address.kind === "s3"
      ? await openS3(address, environment)
      : await openBlob(address, environment);
  const { prefix, endpoint } = address;
  const at = endpoint === null ? "" : ` at ${endpoint.href}`;
  const identity = `${store.address}/${prefix}${at}`;
  const location = locationOf(address);
  return { store, prefix, identity, location, close: () => store.close() };
}

function locationOf(address: ObjectAddress): ObjectLocation {
  const { kind, prefix, endpoint } = address;
  const container = kind === "s3" ? address.bucket : `${address.account}/${address.container}`;
  return objectLocation(kind, { container, prefix }, endpoint);
}

type ClosableStore = ObjectStore & { close(): void };

async function openS3(address: S3Address, environment: Environment): Promise<ClosableStore> {
  const { bucket, endpoint, tags } = address;
  const credentials = await s3Keys(address);
  const { S3ObjectStore } = await import("@cloudphoenix/adapter-aws/s3");
  return new S3ObjectStore({
    bucket,
    region: regionOf(address, environment),
    tags,
    ...(endpoint === null ? {} : { endpoint }),
    ...(credentials === null ? {} : { credentials }),
  });
}

/** @throws {CloudPhoenixError} `BAD_REQUEST` if neither the address nor the environment says it */
export function regionOf({ bucket, region }: S3Address, environment: Environment): string {
  const known = region ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? null;
  if (known !== null) return known;
  throw new CloudPhoenixError("BAD_REQUEST", `nobody says in which region ${bucket} is`, {
    retryable: false,
    hint: `Write s3://${bucket}/…?region=eu-central-1, or set AWS_REGION.`,
  });
}

async function openBlob(address: BlobAddress, environment: Environment): Promise<ClosableStore> {
  const { account, container, tags } = address;
  const endpoint = accountEndpoint(address.endpoint, account);
  const credential = await blobCredential(address, endpoint, environment);
  const { BlobObjectStore } = await import("@cloudphoenix/adapter-azure/blob");
  return new BlobObjectStore({ endpoint, container, credential, tags });
}

/** Azure has the account in the host name; an emulator has it at the head of the path. */
function accountEndpoint(endpoint: URL | null, account: string): URL {
  if (endpoint === null) return new URL(`https://${account}.blob.core.windows.net`);
  const named = endpoint.hostname.startsWith(`${account}.`) || endpoint.pathname !== "/";
  return named ? endpoint : new URL(account, endpoint);
}
