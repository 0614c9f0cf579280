/** The vendors' own clients, as lean as their options allow: retries off, one hash only, connections kept. */
import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { BlobServiceClient, newPipeline, StorageSharedKeyCredential } from "@azure/storage-blob";
import { type Contestant, type Places, STAMP } from "./contestants.ts";

const SIGNAL = new AbortController().signal;

export function s3Sdk({ s3, bucket: Bucket }: Places): Contestant {
  const client = new S3Client({
    region: s3.region,
    endpoint: s3.endpoint,
    forcePathStyle: true,
    credentials: s3,
    maxAttempts: 1,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  const etags = new Map<string, string>();
  return {
    put: async (Key, Body, md5) => {
      const answer = await client.send(
        new PutObjectCommand({
          Bucket,
          Key,
          Body,
          ContentMD5: Buffer.from(md5, "hex").toString("base64"),
          ContentType: "application/octet-stream",
          Metadata: { cloudphoenixstamp: STAMP },
        }),
        { abortSignal: SIGNAL },
      );
      etags.set(Key, answer.ETag ?? "");
    },
    get: async (Key) => {
      const answer = await client.send(
        new GetObjectCommand({ Bucket, Key, IfMatch: etags.get(Key) }),
        { abortSignal: SIGNAL },
      );
      return (await answer.Body?.transformToByteArray())?.length ?? 0;
    },
    list: async () => {
      let count = 0;
      let token: string | undefined;
      do {
        const page = await client.send(
          new ListObjectsV2Command({ Bucket, ContinuationToken: token, EncodingType: "url" }),
        );
        count += page.Contents?.length ?? 0;
        token = page.NextContinuationToken;
      } while (token !== undefined);
      return count;
    },
  };
}

export function blobSdk({ blob, bucket }: Places): Contestant {
  const credential = new StorageSharedKeyCredential(blob.account, blob.key);
  const pipeline = newPipeline(credential, { retryOptions: { maxTries: 1 } });
  const container = new BlobServiceClient(blob.endpoint, pipeline).getContainerClient(bucket);
  const etags = new Map<string, string>();
  return {
    put: async (key, bytes, md5) => {
      const hash = Buffer.from(md5, "hex");
      const answer = await container.getBlockBlobClient(key).upload(bytes, bytes.length, {
        abortSignal: SIGNAL,
        transactionalContentMD5: hash,
        blobHTTPHeaders: { blobContentType: "application/octet-stream", blobContentMD5: hash },
        metadata: { cloudphoenixstamp: STAMP },
      });
      etags.set(key, answer.etag ?? "");
    },
    get: async (key) => {
      const answer = await container.getBlobClient(key).download(0, undefined, {
        abortSignal: SIGNAL,
        conditions: { ifMatch: etags.get(key) ?? "" },
      });
      let length = 0;
      for await (const chunk of answer.readableStreamBody ?? []) length += chunk.length;
      return length;
    },
    list: async () => {
      let count = 0;
      const pages = container
        .listBlobsFlat({ includeMetadata: true })
        .byPage({ maxPageSize: 5000 });
      for await (const page of pages) count += page.segment.blobItems.length;
      return count;
    },
  };
}
