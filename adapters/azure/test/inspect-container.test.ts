import http from "node:http";
import type { AddressInfo } from "node:net";
import { BlobObjectStore } from "@cloudphoenix/adapter-azure";
import { type Azurite, startAzurite } from "@cloudphoenix/local-objects";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createContainer, setSoftDelete } from "./azurite-calls.ts";

const SIGNAL = new AbortController().signal;
let azurite: Azurite;

beforeAll(async () => {
  azurite = await startAzurite({ directory: null, blobPort: 0 });
  await createContainer(azurite, "receipts");
});
afterAll(async () => {
  await azurite.stop();
});

function open(changes: { container?: string; key?: string } = {}): BlobObjectStore {
  const { accountName: account, accountKey, blobEndpoint } = azurite;
  return new BlobObjectStore({
    endpoint: new URL(blobEndpoint),
    container: changes.container ?? "receipts",
    credential: { kind: "shared-key", account, key: changes.key ?? accountKey },
  });
}

test("warns that what is deleted is gone, until soft delete is on", async () => {
  const store = open();
  await setSoftDelete(azurite, false);
  expect(await store.inspect(SIGNAL)).toMatchObject([{ severity: "warn" }]);
  expect(store.capabilities.keepsDeleted).toBe(false);
  await setSoftDelete(azurite, true);
  expect(await store.inspect(SIGNAL)).toEqual([]);
  expect(store.capabilities.keepsDeleted).toBe(true);
  store.close();
});

test("refuses an account with a hierarchical namespace, which lists in another order", async () => {
  const properties = "<StorageServiceProperties></StorageServiceProperties>";
  const server = http.createServer(({ url }, response) => {
    const isAccount = url?.includes("restype=account") === true;
    response.writeHead(200, isAccount ? { "x-ms-is-hns-enabled": "true" } : {}).end(properties);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const store = new BlobObjectStore({
    endpoint: new URL(`http://127.0.0.1:${port}/lake`),
    container: "receipts",
    credential: { kind: "shared-key", account: "lake", key: "a2V5" },
  });

  const findings = await store.inspect(SIGNAL);

  expect(findings).toContainEqual({
    severity: "refuse",
    message: expect.stringContaining("hierarchical namespace"),
    hint: expect.stringContaining("without"),
  });
  store.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("a container that is not there is no empty container", async () => {
  const store = open({ container: "missing" });
  const missing = { code: "NOT_FOUND", retryable: false };

  await expect(store.inspect(SIGNAL)).rejects.toMatchObject(missing);
  await expect(store.head("k", SIGNAL)).rejects.toMatchObject(missing);
  await expect(store.delete("k", { kind: "none" }, SIGNAL)).rejects.toMatchObject(missing);
  const pages = store.list({ prefix: "" }, SIGNAL)[Symbol.asyncIterator]();
  await expect(pages.next()).rejects.toMatchObject(missing);
  store.close();
});

test("a wrong key is denied, and neither it nor a signature is shown", async () => {
  const key = Buffer.from("not the right key").toString("base64");
  const store = open({ key });
  const error = await store.inspect(SIGNAL).catch((reason: unknown) => reason);

  expect(error).toMatchObject({ code: "OBJECT_STORE_DENIED", retryable: false });
  expect(String(error)).not.toMatch(/signature|SharedKey/i);
  expect(String(error)).not.toContain(key);
  store.close();
});
