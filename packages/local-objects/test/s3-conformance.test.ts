import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from "@aws-sdk/client-s3";
import { startLocalS3 } from "../src/index.ts";
import { type ConformanceTarget, describeS3Conformance } from "./conformance/index.ts";
import { SIGNER } from "./scratch.ts";

async function openOwn(): Promise<ConformanceTarget> {
  const directory = await mkdtemp(join(tmpdir(), "local-objects-"));
  const region = "eu-central-1";
  const server = await startLocalS3({ directory, port: 0, region, credentials: [SIGNER] });
  const { endpoint } = server;
  const client = new S3Client({ endpoint, region, credentials: SIGNER, forcePathStyle: true });
  const [bucket, versionedBucket] = ["conformance", "conformance-versions"];
  for (const Bucket of [bucket, versionedBucket]) {
    await client.send(new CreateBucketCommand({ Bucket }));
  }
  const VersioningConfiguration = { Status: "Enabled" } as const;
  const command = new PutBucketVersioningCommand({
    Bucket: versionedBucket,
    VersioningConfiguration,
  });
  await client.send(command);
  client.destroy();
  return {
    endpoint,
    region,
    bucket,
    versionedBucket,
    credentials: SIGNER,
    close: async () => {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const { env } = process;
const realBucket = env["CLOUDPHOENIX_S3_BUCKET"];
const realVersioned = env["CLOUDPHOENIX_S3_VERSIONED_BUCKET"] ?? null;

/** Credentials come from where the official client finds them by itself. */
async function openReal(): Promise<ConformanceTarget> {
  const region = env["CLOUDPHOENIX_S3_REGION"] ?? "us-east-1";
  const probe = new S3Client({ region });
  const found = await probe.config.credentials();
  probe.destroy();
  const { accessKeyId, secretAccessKey, sessionToken } = found;
  return {
    endpoint: env["CLOUDPHOENIX_S3_ENDPOINT"] ?? `https://s3.${region}.amazonaws.com`,
    region,
    bucket: realBucket ?? "",
    versionedBucket: realVersioned,
    credentials: {
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    },
    close: async () => undefined,
  };
}

describeS3Conformance("our own S3", openOwn, { isAvailable: true, keepsVersions: true });

describeS3Conformance("a real S3 (needs CLOUDPHOENIX_S3_BUCKET and credentials)", openReal, {
  isAvailable: realBucket !== undefined,
  keepsVersions: realVersioned !== null,
});
