/** The sandbox's two stores for a benchmark: the local S3 server with a queue of events, and Azurite. */
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Azurite,
  type SpawnedS3,
  spawnLocalS3,
  startAzurite,
} from "@cloudphoenix/local-objects";
import { type OpenSiteStore, openSiteStore, type SiteStoreSettings } from "@cloudphoenix/stores";
import {
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { BlobServiceClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { atEnd } from "../at-end.ts";

const REGION = "us-east-1";
const BUCKET = "receipts";
const QUEUE = "receipts-events";

export interface LocalPair {
  readonly folder: string;
  readonly s3: SpawnedS3;
  readonly azurite: Azurite;
  readonly settings: { readonly source: SiteStoreSettings; readonly target: SiteStoreSettings };
  open(side: "source" | "target"): Promise<OpenSiteStore>;
  /** Ends both servers and deletes what they stored. */
  remove(): Promise<void>;
}

/** Starts both, each in a process of its own, with a bucket, a container and a queue. */
export async function startLocalPair(): Promise<LocalPair> {
  const folder = await mkdtemp(join(tmpdir(), "bench-objects-"));
  const keys = { accessKeyId: "bench", secretAccessKey: randomBytes(24).toString("base64url") };
  const s3 = await spawnLocalS3({
    directory: join(folder, "s3"),
    port: 0,
    credentials: [keys],
    queues: { port: 0, names: [QUEUE] },
  });
  const azurite = await startAzurite({ directory: null, blobPort: 0 });
  await prepare(s3, azurite, keys);
  const secrets = join(folder, "secrets");
  await mkdir(secrets, { mode: 0o700 });
  const s3Text = `aws_access_key_id = ${keys.accessKeyId}\naws_secret_access_key = ${keys.secretAccessKey}\n`;
  await writeFile(join(secrets, "s3"), s3Text, { mode: 0o600 });
  await writeFile(join(secrets, "blob"), `${azurite.accountKey}\n`, { mode: 0o600 });
  const settings = {
    source: {
      url: `s3://${BUCKET}?region=${REGION}&endpoint=${s3.endpoint}`,
      credentialsFile: join(secrets, "s3"),
      hintsUrl: `${s3.queueEndpoint}/000000000000/${QUEUE}`,
    },
    target: {
      url: `azblob://${azurite.accountName}/${BUCKET}?endpoint=${azurite.blobEndpoint}`,
      credentialsFile: join(secrets, "blob"),
      hintsUrl: null,
    },
  };
  return {
    folder,
    s3,
    azurite,
    settings,
    open: (side) => openSiteStore(settings[side], {}),
    remove: atEnd(async () => {
      await s3.kill();
      await azurite.kill();
      await rm(folder, { recursive: true, force: true });
    }),
  };
}

async function prepare(
  s3: SpawnedS3,
  azurite: Azurite,
  credentials: { readonly accessKeyId: string; readonly secretAccessKey: string },
): Promise<void> {
  const client = new S3Client({
    region: REGION,
    endpoint: s3.endpoint,
    forcePathStyle: true,
    credentials,
  });
  const QueueArn = `arn:aws:sqs:${REGION}:000000000000:${QUEUE}`;
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  await client.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket: BUCKET,
      NotificationConfiguration: {
        QueueConfigurations: [{ QueueArn, Events: ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"] }],
      },
    }),
  );
  client.destroy();
  const credential = new StorageSharedKeyCredential(azurite.accountName, azurite.accountKey);
  const service = new BlobServiceClient(azurite.blobEndpoint, credential);
  await service.getContainerClient(BUCKET).create();
}
