import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { BlobServiceClient } from "@azure/storage-blob";
import { expect, onTestFinished, test } from "vitest";
import { type Azurite, type AzuriteOptions, startAzurite } from "../src/index.ts";
import { scratchDirectory } from "./scratch.ts";

async function scratchAzurite(options: Partial<AzuriteOptions> = {}): Promise<Azurite> {
  const azurite = await startAzurite({ directory: null, blobPort: 0, ...options });
  onTestFinished(async () => azurite.stop());
  return azurite;
}

test("the official client stores and reads with the key it was given", async () => {
  const azurite = await scratchAzurite();
  const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
  const container = service.getContainerClient("receipts");
  await container.create();
  const body = randomBytes(10_000);
  await container.getBlockBlobClient("a/b").uploadData(body);
  const read = await container.getBlockBlobClient("a/b").downloadToBuffer();
  expect(read.equals(body)).toBe(true);
});

test("another key is refused", async () => {
  const azurite = await scratchAzurite();
  const wrong = azurite.connectionString.replace(
    azurite.accountKey,
    randomBytes(64).toString("base64"),
  );
  const service = BlobServiceClient.fromConnectionString(wrong);
  await expect(service.getContainerClient("receipts").create()).rejects.toMatchObject({
    statusCode: 403,
  });
});

test("what was stored on disk is there after a stop and another start", async () => {
  const directory = await scratchDirectory();
  const first = await scratchAzurite({ directory });
  const { accountKey } = first;
  const service = BlobServiceClient.fromConnectionString(first.connectionString);
  const container = service.getContainerClient("receipts");
  await container.create();
  await container.getBlockBlobClient("kept").uploadData(Buffer.from("kept"));
  await first.stop();

  const second = await scratchAzurite({ directory, accountKey });
  const again = BlobServiceClient.fromConnectionString(second.connectionString);
  const blob = again.getContainerClient("receipts").getBlockBlobClient("kept");
  await expect(blob.downloadToBuffer()).resolves.toEqual(Buffer.from("kept"));
});

test("a taken port is refused by name", async () => {
  const { blobEndpoint } = await scratchAzurite();
  const blobPort = Number(new URL(blobEndpoint).port);
  await expect(scratchAzurite({ blobPort })).rejects.toMatchObject({ code: "PORT_TAKEN" });
});

test("an aborted start leaves nothing behind", async () => {
  const signal = AbortSignal.abort();
  await expect(scratchAzurite({ signal })).rejects.toMatchObject({ code: "ABORTED" });
});

test("the Queue service listens if it is asked for", async () => {
  const azurite = await scratchAzurite({ queuePort: 0 });
  const answer = await fetch(`${azurite.queueEndpoint}?comp=list`);
  expect(answer.status).toBe(403);
});

test.skipIf(!existsSync("/proc/self/cmdline"))("the key is in no process list", async () => {
  const azurite = await scratchAzurite();
  for (const name of ["cmdline", "environ"]) {
    const text = readFileSync(`/proc/${azurite.pid}/${name}`, "utf8");
    expect(text).not.toContain(azurite.accountKey);
  }
});
