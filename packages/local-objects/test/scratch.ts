/** Temporary directories and servers that go away after the test. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { onTestFinished } from "vitest";
import {
  type LocalCredentials,
  type LocalS3,
  type LocalS3Options,
  startLocalS3,
} from "../src/index.ts";

/** The identity of the tests. */
export const SIGNER: LocalCredentials = {
  accessKeyId: "LOCALTESTS0000000001",
  secretAccessKey: "a secret that is none/+",
};

/** A directory that goes away with the test. */
export async function scratchDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "local-objects-"));
  onTestFinished(async () => rm(path, { recursive: true, force: true }));
  return path;
}

/** A server that goes away with the test, with small parts allowed. */
export async function scratchServer(options: Partial<LocalS3Options> = {}): Promise<LocalS3> {
  const server = await startLocalS3({
    directory: options.directory ?? (await scratchDirectory()),
    port: 0,
    credentials: [SIGNER],
    ...options,
  });
  onTestFinished(async () => server.stop());
  return server;
}

/** The official client, set up as for any S3. */
export function clientOf(server: LocalS3, config: S3ClientConfig = {}): S3Client {
  const client = new S3Client({
    endpoint: server.endpoint,
    region: server.region,
    forcePathStyle: true,
    credentials: SIGNER,
    maxAttempts: 1,
    ...config,
  });
  onTestFinished(() => client.destroy());
  return client;
}
