/** Makes bucket and container, as an account's owner would: versions kept, events sent to the queue. */
import {
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
} from "@aws-sdk/client-s3";
import type { Ground } from "./ground.ts";
import { ownerOfBucket, ownerOfContainer } from "./owner-clients.ts";
import { AWAY_PLACE, HOME_PLACE, NAMES } from "./places.ts";

/** Both, at the same time. Idempotent. */
export async function prepareObjects(ground: Ground, signal: AbortSignal): Promise<void> {
  await Promise.all([prepareBucket(ground, signal), prepareContainer(ground, signal)]);
}

async function prepareBucket(ground: Ground, abortSignal: AbortSignal): Promise<void> {
  const client = ownerOfBucket(HOME_PLACE, ground);
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
          QueueArn: `arn:aws:sqs:${HOME_PLACE.region}:000000000000:${NAMES.objectEvents}`,
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

async function prepareContainer(ground: Ground, abortSignal: AbortSignal): Promise<void> {
  await ownerOfContainer(AWAY_PLACE, ground).createIfNotExists({ abortSignal });
}
