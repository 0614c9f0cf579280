/**
 * From settings to a store that can be used. Nothing is connected or read yet.
 *
 * Who the service is: a static key if one is named, else its role (see `cloud-credentials.ts`).
 */
import type { Environment } from "../secrets/cloud-credentials.ts";
import { awsCredential, azureCredential, staticKeyWarning } from "../secrets/cloud-credentials.ts";
import { openSecret } from "../secrets/open-secret.ts";
import { SettingsError } from "../settings/read-settings.ts";
import { BlobDriver } from "./blob-driver.ts";
import { GuardedStorage, type GuardedStorageOptions } from "./guarded-storage.ts";
import { S3Driver } from "./s3-driver.ts";
import type { StaticKey } from "./static-key.ts";
import { storageAddressText, type StorageAddress } from "./storage-address.ts";
import type { StorageDriver } from "./storage-driver.ts";

/** What opening a store needs to know. */
export interface OpenStorageOptions extends Omit<GuardedStorageOptions, "address"> {
  readonly environment: Environment;
  /** Of a static AWS key; its secret half is `key`. */
  readonly keyId?: string | null;
  /** Reference to the secret of a static key, see `secret-reference.ts`. Null: the role is used. */
  readonly key?: string | null;
  /** Something that works and should not be left so. For the log, level `warn`. */
  readonly onWarning: (sentence: string) => void;
}

/** @throws {SettingsError} if a key is named without its other half */
export function openStorage(address: StorageAddress, options: OpenStorageOptions): GuardedStorage {
  const driver = driverOf(address, options);
  return new GuardedStorage(driver, { ...options, address: storageAddressText(address) });
}

function driverOf(address: StorageAddress, options: OpenStorageOptions): StorageDriver {
  const { environment } = options;
  const key = staticKeyOf(address, options);
  const cloud = address.kind === "s3" ? "aws" : "azure";
  const warning = key === null ? staticKeyWarning(cloud, environment) : KEY_WARNING;
  if (warning !== null) options.onWarning(warning);
  return address.kind === "s3"
    ? new S3Driver(address, key ?? (() => awsCredential(environment)))
    : new BlobDriver(address, key ?? (() => azureCredential(environment)));
}

const KEY_WARNING =
  "a static key of the object store is in use: give the pod a role (IRSA, workload identity) and unset STORAGE_KEY";

function staticKeyOf(address: StorageAddress, options: OpenStorageOptions): StaticKey | null {
  const { environment, onWarning } = options;
  const key = options.key ?? null;
  const keyId = options.keyId ?? null;
  if (key === null) {
    if (keyId === null) return null;
    throw new SettingsError("STORAGE_KEY: must be set, because STORAGE_KEY_ID is");
  }
  // Azure's keys belong to the account, which the address names.
  const id = address.kind === "s3" ? keyId : address.account;
  if (id === null) throw new SettingsError("STORAGE_KEY_ID: must be set, because STORAGE_KEY is");
  return { id, secret: openSecret(key, { environment, onWarning }) };
}
