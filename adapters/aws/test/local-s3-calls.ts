/** What tests do to the local S3 server besides what the adapter can do. */
import type { StaticCredentials } from "@cloudphoenix/adapter-aws";
import type { LocalS3 } from "@cloudphoenix/local-objects";
import { HttpTransport } from "@cloudphoenix/objects/wire";
import { S3Client } from "../src/s3/s3-client.ts";

export async function createBucket(
  server: LocalS3,
  credentials: StaticCredentials,
  bucket: string,
): Promise<void> {
  const transport = new HttpTransport({ address: "local S3" });
  const client = new S3Client({
    address: "local S3",
    bucket,
    region: server.region,
    endpoint: new URL(server.endpoint),
    credentials: () => Promise.resolve(credentials),
    transport,
  });
  await client.done(
    { method: "PUT", key: null, doing: "creating a bucket", notFound: "NOT_FOUND" },
    AbortSignal.timeout(10_000),
  );
  transport.close();
}
