import { createHash, randomBytes } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import { BlobServiceClient, type BlockBlobClient, type ContainerClient } from "@azure/storage-blob";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { type Azurite, type CopyFront, startAzurite, startCopyFront } from "../src/index.ts";

const BODY = randomBytes(50_000);
const MD5 = createHash("md5").update(BODY).digest();

let azurite: Azurite;
let front: CopyFront;
let container: ContainerClient;
let count = 0;

beforeAll(async () => {
  azurite = await startAzurite({ directory: null, blobPort: 0 });
  front = await startCopyFront(azurite);
  container = containerAt(front.blobEndpoint, azurite.accountKey);
  await container.create();
});
afterAll(async () => {
  await front.stop();
  await azurite.stop();
});

let blob: BlockBlobClient;
beforeEach(() => {
  count += 1;
  blob = container.getBlockBlobClient(`blob ${count}/ü`);
});

function containerAt(endpoint: string, key: string): ContainerClient {
  const text = azurite.connectionString
    .replace(azurite.blobEndpoint, endpoint)
    .replace(azurite.accountKey, key);
  const options = { retryOptions: { maxTries: 1 } };
  return BlobServiceClient.fromConnectionString(text, options).getContainerClient("receipts");
}

/** Where something answers as told. */
async function served(answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_request, response) => answer(response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/k?signature=1`;
}

const whole = (response: ServerResponse): void => {
  response.writeHead(200, { "content-type": "image/png", "cache-control": "no-store" }).end(BODY);
};

test("the official client copies from a URL of another host, and gets the MD5 that was computed", async () => {
  const answer = await blob.syncUploadFromURL(await served(whole), {
    sourceContentMD5: MD5,
    metadata: { order: "7" },
    tags: { team: "blue" },
  });

  expect(Buffer.from(answer.contentMD5 ?? []).equals(MD5)).toBe(true);
  expect((await blob.downloadToBuffer()).equals(BODY)).toBe(true);
  expect(await blob.getProperties()).toMatchObject({
    contentType: "image/png",
    cacheControl: "no-store",
    metadata: { order: "7" },
    etag: answer.etag,
  });
  expect((await blob.getTags()).tags).toEqual({ team: "blue" });
});

test("properties of the source are left out if that is asked for", async () => {
  await blob.syncUploadFromURL(await served(whole), { copySourceBlobProperties: false });

  const properties = await blob.getProperties();
  expect(properties.contentType).toBe("application/octet-stream");
  expect(properties.cacheControl).toBeUndefined();
});

test("other bytes than those named are refused, and nothing is stored", async () => {
  const copied = blob.syncUploadFromURL(await served((response) => response.end("other")), {
    sourceContentMD5: MD5,
  });

  await expect(copied).rejects.toMatchObject({ statusCode: 400, code: "Md5Mismatch" });
  expect(await blob.exists()).toBe(false);
});

test.each([403, 404, 503])(
  "a source that answers with %i is told by that status",
  async (status) => {
    const copied = blob.syncUploadFromURL(
      await served((response) => response.writeHead(status).end("no")),
    );

    await expect(copied).rejects.toMatchObject({
      statusCode: status,
      code: "CannotVerifyCopySource",
    });
    expect(await blob.exists()).toBe(false);
  },
);

test("a source that ends early is no source, although it began well", async () => {
  const copied = blob.syncUploadFromURL(
    await served((response) => {
      response.writeHead(200, { "content-length": BODY.length });
      response.write(BODY.subarray(0, 1_000), () => response.destroy());
    }),
  );

  await expect(copied).rejects.toMatchObject({ statusCode: 500, code: "CannotVerifyCopySource" });
  expect(await blob.exists()).toBe(false);
});

test("a condition on the target is judged by Azurite", async () => {
  await blob.uploadData(Buffer.from("there already"));
  const conditions = { ifNoneMatch: "*" };
  const copied = blob.syncUploadFromURL(await served(whole), { conditions });

  await expect(copied).rejects.toMatchObject({ statusCode: 409 });
  expect((await blob.downloadToBuffer()).toString()).toBe("there already");
});

test("whoever has another key is refused, and no source is read for them", async () => {
  const read = front.sourcesRead;
  const other = containerAt(front.blobEndpoint, randomBytes(64).toString("base64"));

  const copied = other.getBlockBlobClient("k").syncUploadFromURL(await served(whole));

  await expect(copied).rejects.toMatchObject({ statusCode: 403 });
  expect(front.sourcesRead).toBe(read);
});

test("Azurite by itself does not do it", async () => {
  const alone = containerAt(azurite.blobEndpoint, azurite.accountKey).getBlockBlobClient("k");

  await expect(alone.syncUploadFromURL(await served(whole))).rejects.toMatchObject({
    statusCode: 501,
  });
});
