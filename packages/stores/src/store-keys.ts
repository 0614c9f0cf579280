/**
 * Credentials for a store from where they belong: the cloud's own chain, the environment, or a file.
 * Files are the form that each cloud's own tools use; nothing of them is ever part of a message.
 */
import { readFile } from "node:fs/promises";
import type { StaticCredentials } from "@cloudphoenix/adapter-aws";
import type { StorageCredential } from "@cloudphoenix/adapter-azure";
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";
import type { BlobAddress, S3Address } from "./object-address.ts";

/** Variables of the process, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Null: the SDK's chain, roles included, will do. Else the first profile of a file like AWS's own.
 * @throws {CloudPhoenixError} `CONFIG_UNREADABLE`, `CONFIG_INVALID`
 */
export async function s3Keys({ credentialsFile }: S3Address): Promise<StaticCredentials | null> {
  if (credentialsFile === null) return null;
  const settings = settingsOf(await readText(credentialsFile));
  const accessKeyId = settings.get("aws_access_key_id");
  const secretAccessKey = settings.get("aws_secret_access_key");
  const sessionToken = settings.get("aws_session_token");
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new CloudPhoenixError(
      "CONFIG_INVALID",
      `${credentialsFile} does not hold a pair of keys`,
      {
        retryable: false,
        hint: "Write the lines aws_access_key_id = … and aws_secret_access_key = … into it.",
      },
    );
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

/**
 * The key of a file that was named, else a token of the process's own role; a key in the environment only where no
 * workload identity is configured, or where a token would travel unencrypted (an emulator).
 * @throws {CloudPhoenixError} `CONFIG_UNREADABLE`; `BAD_REQUEST` where a token would travel unencrypted
 */
export async function blobCredential(
  address: BlobAddress,
  endpoint: URL,
  environment: Environment,
): Promise<StorageCredential> {
  const { account, credentialsFile } = address;
  const hasRole = (environment["AZURE_FEDERATED_TOKEN_FILE"] ?? "") !== "";
  const role = hasRole && endpoint.protocol === "https:";
  const key = await accountKey(address, role ? {} : environment);
  if (key !== null) return { kind: "shared-key", account, key };
  if (endpoint.protocol !== "https:") {
    const where = credentialsFile === null ? "AZURE_STORAGE_KEY is not set" : credentialsFile;
    throw new CloudPhoenixError("BAD_REQUEST", `a token would travel unencrypted (${where})`, {
      retryable: false,
      hint: "Use an https endpoint, or an account key for an emulator.",
    });
  }
  // Managed identity, workload identity, environment, command line: the vendor's order.
  const { DefaultAzureCredential } = await import("@azure/identity");
  return { kind: "token", credential: new DefaultAzureCredential() };
}

/** Null: there is none, roles are used. */
async function accountKey(
  { account, credentialsFile }: BlobAddress,
  environment: Environment,
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
