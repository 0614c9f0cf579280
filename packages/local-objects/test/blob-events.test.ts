import { createHash, randomBytes } from "node:crypto";
import { createServer, request } from "node:http";
import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  BlobServiceClient,
  type BlockBlobClient,
  type ContainerClient,
  generateAccountSASQueryParameters,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { type Azurite, startAzurite, startCopyFront } from "../src/index.ts";

const QUEUE = "changes";

/** The fields that readers use. */
interface GridEvent {
  readonly eventType: string;
  readonly subject: string;
  readonly eventTime: string;
  readonly data: { readonly api: string; readonly sequencer: string };
}

let azurite: Azurite;
let container: ContainerClient;
let blob: BlockBlobClient;
let count = 0;

beforeAll(async () => {
  azurite = await startAzurite({ directory: null, blobPort: 0, eventQueue: QUEUE });
  container = service().getContainerClient("receipts");
  await container.create();
});
afterAll(async () => azurite.stop());

beforeEach(() => {
  count += 1;
  blob = container.getBlockBlobClient(`blob ${count}/ü`);
});

function service(): BlobServiceClient {
  const options = { retryOptions: { maxTries: 1 } };
  return BlobServiceClient.fromConnectionString(azurite.connectionString, options);
}

function signature(): string {
  const credential = new StorageSharedKeyCredential(azurite.accountName, azurite.accountKey);
  const expiresOn = new Date(Date.now() + 86_400_000);
  const permissions = AccountSASPermissions.parse("rwdlacup");
  const resourceTypes = AccountSASResourceTypes.parse("sco").toString();
  const services = AccountSASServices.parse("bq").toString();
  const wanted = { expiresOn, permissions, resourceTypes, services };
  return generateAccountSASQueryParameters(wanted, credential).toString();
}

async function queueCall(method: string, below: string, query = ""): Promise<Response> {
  const url = `${azurite.queueEndpoint}/${QUEUE}${below}?${query}${signature()}`;
  return fetch(url, { method });
}

async function waiting(): Promise<number> {
  const answer = await queueCall("GET", "", "comp=metadata&");
  return Number(answer.headers.get("x-ms-approximate-messages-count"));
}

/** Takes what waits, and removes it. */
async function take(): Promise<readonly GridEvent[]> {
  const text = await (await queueCall("GET", "/messages", "numofmessages=32&")).text();
  const found = text.matchAll(
    /<MessageId>(.*?)<\/MessageId>.*?<PopReceipt>(.*?)<\/PopReceipt>.*?<MessageText>(.*?)<\/MessageText>/gsu,
  );
  return Promise.all(
    [...found].map(async ([, id = "", receipt = "", message = ""]): Promise<GridEvent> => {
      await queueCall("DELETE", `/messages/${id}`, `popreceipt=${encodeURIComponent(receipt)}&`);
      return JSON.parse(Buffer.from(message, "base64").toString("utf8"));
    }),
  );
}

/** Events of everything that was done until now, and of nothing later: a last write says when. */
async function eventsUntilNow(): Promise<readonly GridEvent[]> {
  const last = `last-${count}-${randomBytes(4).toString("hex")}`;
  await container.getBlockBlobClient(last).uploadData(Buffer.from("last"));
  const events: GridEvent[] = [];
  await expect
    .poll(async () => events.push(...(await take())) > 0 && events.at(-1)?.subject, {
      timeout: 20_000,
      interval: 20,
    })
    .toContain(last);
  return events.slice(0, -1);
}

async function told(): Promise<readonly string[]> {
  const events = await eventsUntilNow();
  return events.map(({ data, subject }) => `${data.api} ${subject.split("/blobs/")[1]}`);
}

test("a written blob is told in Event Grid's schema, in base64", async () => {
  const answer = await blob.uploadData(Buffer.from("hello"), {
    blobHTTPHeaders: { blobContentType: "text/plain" },
  });
  const [event] = await eventsUntilNow();

  const path = `${azurite.blobEndpoint}/receipts/${encodeURIComponent(`blob ${count}`)}/%C3%BC`;
  expect(event).toEqual({
    topic: expect.stringMatching(/^\/subscriptions\/.*\/storageAccounts\/localphoenix$/u),
    subject: `/blobServices/default/containers/receipts/blobs/blob ${count}/ü`,
    eventType: "Microsoft.Storage.BlobCreated",
    id: expect.stringMatching(/^[0-9a-f-]{36}$/u),
    eventTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/u),
    data: {
      api: "PutBlob",
      clientRequestId: answer.clientRequestId,
      requestId: answer.requestId,
      eTag: answer.etag,
      contentType: "text/plain",
      contentLength: 5,
      blobType: "BlockBlob",
      url: path,
      sequencer: expect.stringMatching(/^[0-9A-F]{32}$/u),
      storageDiagnostics: { batchId: expect.any(String) },
    },
    dataVersion: "",
    metadataVersion: "1",
  });
});

test("every kind of write and delete has its event, in the order it happened", async () => {
  const name = blob.name;
  await blob.stageBlock("AAAA", "block", 5);
  await blob.commitBlockList(["AAAA"]);
  await container.getAppendBlobClient(`${name}-append`).create();
  await container.getPageBlobClient(`${name}-page`).create(512);
  const source = `${blob.url}?${signature()}`;
  await container.getBlobClient(`${name}-sync`).syncCopyFromURL(source);
  await (await container.getBlobClient(`${name}-async`).beginCopyFromURL(source)).pollUntilDone();
  await blob.delete();
  const events = await eventsUntilNow();

  expect(events.map(({ data, subject }) => [data.api, subject.split("/blobs/")[1]])).toEqual([
    ["PutBlockList", name],
    ["PutBlob", `${name}-append`],
    ["PutBlob", `${name}-page`],
    ["CopyBlob", `${name}-sync`],
    ["CopyBlob", `${name}-async`],
    ["DeleteBlob", name],
  ]);
  expect(events.map(({ eventType }) => eventType.split(".").at(-1))).toEqual([
    ...Array.from({ length: 5 }, () => "BlobCreated"),
    "BlobDeleted",
  ]);
  const sequence = events.map(({ data }) => data.sequencer);
  expect(sequence.toSorted()).toEqual(sequence);
});

test("deletes in a batch are told one by one, but for those that were refused", async () => {
  await blob.uploadData(Buffer.from("one"));
  const other = container.getBlockBlobClient(`${blob.name}-other`);
  await other.uploadData(Buffer.from("two"));
  await eventsUntilNow();

  const missing = container.getBlockBlobClient("missing");
  const batch = container.getBlobBatchClient();
  const { subResponsesFailedCount } = await batch.deleteBlobs([blob, missing, other]);

  expect(subResponsesFailedCount).toBe(1);
  const deleted = [`DeleteBlob ${blob.name}`, `DeleteBlob ${other.name}`];
  expect((await told()).toSorted()).toEqual(deleted);
});

test("a blob copied from a URL by the front has its event, too", async () => {
  const front = await startCopyFront(azurite);
  const body = randomBytes(1_000);
  const server = createServer((_request, response) => response.end(body)).listen(0, "127.0.0.1");
  onTestFinished(async () => {
    server.close();
    await front.stop();
  });
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const text = azurite.connectionString.replace(azurite.blobEndpoint, front.blobEndpoint);
  const copied = BlobServiceClient.fromConnectionString(text)
    .getContainerClient("receipts")
    .getBlockBlobClient(blob.name);

  await copied.syncUploadFromURL(`http://127.0.0.1:${port}/k`, {
    sourceContentMD5: createHash("md5").update(body).digest(),
  });

  expect(await told()).toEqual([`PutBlob ${blob.name}`]);
});

test("what was refused, and what writes no blob, is not told", async () => {
  await blob.uploadData(Buffer.from("hello"));
  await blob.createSnapshot();
  await eventsUntilNow();

  const conditions = { ifNoneMatch: "*" };
  await expect(blob.uploadData(Buffer.from("x"), { conditions })).rejects.toMatchObject({
    statusCode: 409,
  });
  await expect(blob.delete({ conditions: { ifMatch: '"0x0"' } })).rejects.toMatchObject({
    statusCode: 412,
  });
  await expect(container.getBlobClient("missing").delete()).rejects.toMatchObject({
    statusCode: 404,
  });
  const wrong = azurite.connectionString.replace(
    azurite.accountKey,
    randomBytes(64).toString("base64"),
  );
  const stranger = BlobServiceClient.fromConnectionString(wrong).getContainerClient("receipts");
  const written = stranger.getBlockBlobClient("k").uploadData(Buffer.from("x"));
  await expect(written).rejects.toMatchObject({ statusCode: 403 });
  await blob.stageBlock("AAAA", "block", 5);
  await blob.setMetadata({ order: "7" });
  await blob.setTags({ team: "blue" });
  await blob.delete({ deleteSnapshots: "only" });
  await blob.downloadToBuffer();
  await blob.getProperties();
  for await (const found of container.listBlobsFlat()) void found;

  expect(await told()).toEqual([]);
});

test("a client that leaves before the answer has its write told all the same", async () => {
  const url = new URL(`${blob.url}?${signature()}`);
  const headers = { "x-ms-blob-type": "BlockBlob", "content-length": 5 };
  const asked = request(url, { method: "PUT", headers });
  asked.on("error", () => undefined);
  await new Promise<void>((resolve) => asked.end("hello", () => resolve()));
  await expect.poll(() => blob.exists(), { interval: 1 }).toBe(true);
  asked.destroy();

  expect(await told()).toEqual([`PutBlob ${blob.name}`]);
});

test("a queue that nobody reads stays short, and whoever begins to read finds the newest", async () => {
  const names = Array.from({ length: 500 }, (_, at) => `${blob.name}-${at}`);
  const left = [...names];
  const write = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      await container.getBlockBlobClient(name).uploadData(Buffer.from("x"));
    }
  };
  await Promise.all(Array.from({ length: 8 }, write));
  for (let looks = 0; looks < 20; looks += 1) expect(await waiting()).toBeLessThanOrEqual(256);
  const found = await told();
  expect(found.length).toBeLessThanOrEqual(256 + 128);
  expect(found).toEqual(expect.arrayContaining([`PutBlob ${names.at(-1)}`]));
}, 60_000);

test("what a reader took along when it ended does not keep events from the next one", async () => {
  await eventsUntilNow();
  for (let n = 0; n < 256; n += 1) {
    await container.getBlockBlobClient(`${blob.name}-${n}`).uploadData(Buffer.from("x"));
  }
  await expect.poll(waiting, { timeout: 20_000 }).toBe(256);
  // Hidden for half a minute each, and never removed.
  for (let n = 0; n < 8; n += 1) await queueCall("GET", "/messages", "numofmessages=32&");

  await blob.uploadData(Buffer.from("x"));
  expect(await told()).toEqual([`PutBlob ${blob.name}`]);
}, 60_000);

test("a queue that is gone fails no write, and gets events again when it is back", async () => {
  await eventsUntilNow();
  expect((await queueCall("DELETE", "")).status).toBe(204);
  await blob.uploadData(Buffer.from("hello"));
  await blob.uploadData(Buffer.from("again"));
  expect((await queueCall("PUT", "")).status).toBe(201);

  await blob.delete();
  expect(await told()).toEqual(expect.arrayContaining([`DeleteBlob ${blob.name}`]));
});
