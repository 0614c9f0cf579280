/** The vendors' own clients for the stores of a sandbox, with the rights of whoever owns the account. */
import { S3Client } from "@aws-sdk/client-s3";
import {
  BlobServiceClient,
  type ContainerClient,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import type { Ground } from "./ground.ts";
import { NAMES, type Place } from "./places.ts";
import { readSecret, SECRETS } from "./secrets.ts";
import { linkName } from "./topology.ts";

/** For `NAMES.bucket` at a place with S3; whoever opens it destroys it. */
export function ownerOfBucket({ cloud, region }: Place, { layout, ports }: Ground): S3Client {
  return new S3Client({
    region,
    endpoint: `http://127.0.0.1:${ports.get(linkName("control", cloud, "objects"))}`,
    forcePathStyle: true,
    credentials: {
      accessKeyId: NAMES.s3KeyId,
      secretAccessKey: readSecret(layout, SECRETS.objects(cloud)),
    },
  });
}

/** `NAMES.bucket` at a place with Blob storage. */
export function ownerOfContainer({ cloud }: Place, { layout, ports }: Ground): ContainerClient {
  const account = NAMES.blobAccount;
  const key = readSecret(layout, SECRETS.objects(cloud));
  const port = ports.get(linkName("control", cloud, "objects"));
  const service = new BlobServiceClient(
    `http://127.0.0.1:${port}/${account}`,
    new StorageSharedKeyCredential(account, key),
  );
  return service.getContainerClient(NAMES.bucket);
}
