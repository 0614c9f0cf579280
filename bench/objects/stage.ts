/**
 * Two servers in processes of their own: the S3 server of the sandbox, and Azurite on disk.
 *
 * Azurite gets the account and key that every Blob emulator has and rclone knows.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3ObjectStore } from "@cloudphoenix/adapter-aws/s3";
import {
  type Azurite,
  type SpawnedS3,
  spawnLocalS3,
  startAzurite,
} from "@cloudphoenix/local-objects";
import { createBucket } from "../../adapters/aws/test/local-s3-calls.ts";
import { createContainer } from "../../adapters/azure/test/azurite-calls.ts";
import { atEnd } from "../at-end.ts";

const KEYS = { accessKeyId: "bench", secretAccessKey: "bench-secret" };
const REGION = "us-east-1";
const EMULATOR = {
  accountName: "devstoreaccount1",
  accountKey:
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
};

export interface Stage {
  readonly folder: string;
  readonly rcloneConfig: string;
  /** Addresses for `cloudphoenix sync`. */
  s3Address(bucket: string): string;
  blobAddress(container: string): string;
  source(bucket: string): S3ObjectStore;
  makeBucket(bucket: string): Promise<void>;
  makeContainer(container: string): Promise<void>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), "cloudphoenix-bench-"));
  const s3 = await spawnLocalS3({
    directory: join(folder, "s3"),
    port: 0,
    region: REGION,
    credentials: [KEYS],
  });
  const azurite = await startAzurite({
    directory: join(folder, "azurite"),
    blobPort: 0,
    ...EMULATOR,
  });
  const rcloneConfig = writeFiles(folder, s3, azurite);
  return {
    folder,
    rcloneConfig,
    s3Address: (bucket) =>
      `s3://${bucket}?region=${REGION}&endpoint=${s3.endpoint}&credentials-file=${folder}/s3.keys`,
    blobAddress: (container) =>
      `azblob://${azurite.accountName}/${container}?endpoint=${azurite.blobEndpoint}&credentials-file=${folder}/blob.key`,
    source: (bucket) =>
      new S3ObjectStore({
        bucket,
        region: REGION,
        endpoint: new URL(s3.endpoint),
        credentials: KEYS,
      }),
    makeBucket: async (bucket) => createBucket({ ...s3, region: REGION }, KEYS, bucket),
    makeContainer: async (container) => createContainer(azurite, container),
    close: atEnd(async () => {
      await Promise.all([s3.stop(), azurite.stop()]);
      rmSync(folder, { recursive: true, force: true });
    }),
  };
}

function writeFiles(folder: string, s3: SpawnedS3, azurite: Azurite): string {
  const { accessKeyId, secretAccessKey } = KEYS;
  writeFileSync(
    join(folder, "s3.keys"),
    `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
    { mode: 0o600 },
  );
  writeFileSync(join(folder, "blob.key"), azurite.accountKey, { mode: 0o600 });
  const config = join(folder, "rclone.conf");
  const lines = [
    "[s3]",
    "type = s3",
    "provider = Other",
    `access_key_id = ${accessKeyId}`,
    `secret_access_key = ${secretAccessKey}`,
    `region = ${REGION}`,
    `endpoint = ${s3.endpoint}`,
    "[blob]",
    "type = azureblob",
    "use_emulator = true",
    `endpoint = ${azurite.blobEndpoint}`,
  ];
  writeFileSync(config, `${lines.join("\n")}\n`, { mode: 0o600 });
  return config;
}
