/**
 * A store from its address, with credentials from where they belong: the cloud's own chain, the
 * environment, or a file. Each cloud's adapter is loaded only if it is used.
 */
import { readFile } from "node:fs/promises";
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";
import type { ObjectPlace, ObjectStore } from "@cloudphoenix/objects";
import type { BlobAddress, ObjectAddress, S3Address } from "./object-address.ts";

/** A place that can be read and written; `close` gives back its connections. */
export interface OpenPlace extends ObjectPlace {
  /** What tells this place from every other one, credentials aside. */
  readonly identity: string;
  close(): void;
}

/** @throws {CloudPhoenixError} `BAD_REQUEST`, `CONFIG_UNREADABLE`, `CONFIG_INVALID` */
export async function openPlace(
  address: ObjectAddress,
  environment: NodeJS.ProcessEnv,
): Promise<OpenPlace> {
  const store =
    address.kind === "s3"
      ? await openS3(address, environment)
      : await openBlob(address, environment);
  const { prefix, endpoint } = address;
  const at = endpoint === null ? "" : ` at ${endpoint.href}`;
  const identity = `${store.address}/${prefix}${at}`;
  return { store, prefix, identity, close: () => store.close() };
}

type ClosableStore = ObjectStore & { close(): void };

async function openS3(address: S3Address, environment: NodeJS.ProcessEnv): Promise<ClosableStore> {
  const { bucket, endpoint, credentialsFile, tags } = address;
  const region =
    address.region ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? null;
  if (region === null) {
    throw new CloudPhoenixError("BAD_REQUEST", `nobody says in which region ${bucket} is`, {
      retryable: false,
      hint: `Write s3://${bucket}/…?region=eu-central-1, or set AWS_REGION.`,
    });
  }
  const { S3ObjectStore } = await import("@cloudphoenix/adapter-aws/s3");
  return new S3ObjectStore({
    bucket,
    region,
    tags,
    ...(endpoint === null ? {} : { endpoint }),
    ...(credentialsFile === null ? {} : { credentials: await awsKeys(credentialsFile) }),
  });
}

/** The form of AWS's own file; its first profile. */
async function awsKeys(
  file: string,
): Promise<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }> {
  const settings = settingsOf(await readText(file));
  const accessKeyId = settings.get("aws_access_key_id");
  const secretAccessKey = settings.get("aws_secret_access_key");
  const sessionToken = settings.get("aws_session_token");
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new CloudPhoenixError("CONFIG_INVALID", `${file} does not hold a pair of keys`, {
      retryable: false,
      hint: "Write the lines aws_access_key_id = … and aws_secret_access_key = … into it.",
    });
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

async function openBlob(
  address: BlobAddress,
  environment: NodeJS.ProcessEnv,
): Promise<ClosableStore> {
  const { account, container, credentialsFile, tags } = address;
  const endpoint = address.endpoint ?? new URL(`https://${account}.blob.core.windows.net`);
  const key = await accountKey(address, environment);
  const { BlobObjectStore } = await import("@cloudphoenix/adapter-azure/blob");
  if (key !== null) {
    const credential = { kind: "shared-key", account, key } as const;
    return new BlobObjectStore({ endpoint, container, credential, tags });
  }
  if (endpoint.protocol !== "https:") {
    const where = credentialsFile === null ? "AZURE_STORAGE_KEY is not set" : credentialsFile;
    throw new CloudPhoenixError("BAD_REQUEST", `a token would travel unencrypted (${where})`, {
      retryable: false,
      hint: "Use an https endpoint, or an account key for an emulator.",
    });
  }
  // Managed identity, workload identity, environment, command line: the vendor's order.
  const { DefaultAzureCredential } = await import("@azure/identity");
  const credential = { kind: "token", credential: new DefaultAzureCredential() } as const;
  return new BlobObjectStore({ endpoint, container, credential, tags });
}

/** Null: there is none, roles are used. */
async function accountKey(
  { account, credentialsFile }: BlobAddress,
  environment: NodeJS.ProcessEnv,
): Promise<string | null> {
  if (credentialsFile !== null) {
    const text = await readText(credentialsFile);
    return settingsOf(text).get("azure_storage_key") ?? text.trim();
  }
  // The variables of Azure's own command line; a key of another account must not be tried here.
  const named = environment["AZURE_STORAGE_ACCOUNT"] ?? account;
  return named === account ? (environment["AZURE_STORAGE_KEY"] ?? null) : null;
}

function settingsOf(text: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const [, name, value] of text.matchAll(/^\s*(\w+)\s*=\s*(.*?)\s*$/gm)) {
    if (name === undefined || value === undefined) continue;
    const known = name.toLowerCase();
    if (!settings.has(known)) settings.set(known, value);
  }
  return settings;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new CloudPhoenixError(
      "CONFIG_UNREADABLE",
      `${file} cannot be read: ${messageOf(cause)}`,
      {
        retryable: false,
        hint: "Name a file with credentials that this user may read.",
        cause,
      },
    );
  }
}
