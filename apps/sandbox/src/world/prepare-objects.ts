/** Makes bucket and container, as an account's owner would: versions kept, events sent to the queue. */
import {
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { BlobServiceClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import type { Ground } from "./ground.ts";
import { AWAY_PLACE, HOME_PLACE, NAMES } from "./places.ts";
import { readSecret, SECRETS } from "./secrets.ts";
import { linkName } from "./topology.ts";

/** Both, at the same time. Idempotent. */
export async function prepareObjects(ground: Ground, signal: AbortSignal): Promise<void> {
  await Promise.all([prepareBucket(ground, signal), prepareContainer(ground, signal)]);
}

async function prepareBucket({ layout, ports }: Ground, abortSignal: AbortSignal): Promise<void> {
  const { cloud, region } = HOME_PLACE;
  const client = new S3Client({
    region,
    endpoint: `http://127.0.0.1:${ports.get(linkName("control", cloud, "objects"))}`,
    forcePathStyle: true,
    credentials: {
      accessKeyId: NAMES.s3KeyId,
      secretAccessKey: readSecret(layout, SECRETS.objects(cloud)),
    },
  });
  const Bucket = NAMES.bucket;
  try {
    await client.send(new CreateBucketCommand({ Bucket }), { abortSignal });
    const VersioningConfiguration = { Status: "Enabled" } as const;
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }), {
      abortSignal,
    });
    const NotificationConfiguration = {
      QueueConfigurations: [
        {
          QueueArn: `arn:aws:sqs:${region}:000000000000:${NAMES.objectEvents}`,
          Events: ["s3:ObjectCreated:*" as const, "s3:ObjectRemoved:*" as const],
        },
      ],
    };
    await client.send(
      new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }),
      { abortSignal },
    );
  } finally {
    client.destroy();
  }
}

async function prepareContainer(
  { layout, ports }: Ground,
  abortSignal: AbortSignal,
): Promise<void> {
  const { cloud } = AWAY_PLACE;
  const account = NAMES.blobAccount;
  const key = readSecret(layout, SECRETS.objects(cloud));
  const port = ports.get(linkName("control", cloud, "objects"));
  const service = new BlobServiceClient(
    `http://127.0.0.1:${port}/${account}`,
    new StorageSharedKeyCredential(account, key),
  );
  await service.getContainerClient(NAMES.bucket).createIfNotExists({ abortSignal });
}
