import { HttpTransport, type WireAnswer, type WireRequest } from "@cloudphoenix/objects/wire";
import { afterEach, expect, test } from "vitest";
import { type StorageCall, StorageClient, type StorageCredential } from "../src/storage-client.ts";

const SIGNAL = new AbortController().signal;
const CALL: StorageCall = {
  method: "GET",
  key: "a b/ü",
  query: "",
  doing: "reading",
  notFound: "OBJECT_GONE",
};

/** Notes what would be sent, and sends nothing. */
class Recorder extends HttpTransport {
  readonly sent: WireRequest[] = [];

  override exchange(request: WireRequest): Promise<WireAnswer> {
    this.sent.push(request);
    return Promise.reject(new Error("nothing is sent in this test"));
  }
}

const transport = new Recorder({ address: "test" });
afterEach(() => {
  transport.sent.length = 0;
});

function clientWith(credential: StorageCredential): StorageClient {
  return new StorageClient({
    address: "azblob://test/receipts",
    endpoint: new URL("https://shop.blob.core.windows.net"),
    container: "receipts",
    credential,
    transport,
  });
}

test("sends a role's token, which is asked for once", async () => {
  let asked = 0;
  const getToken = async (): Promise<{ token: string; expiresOnTimestamp: number }> => {
    asked += 1;
    return { token: "token-1", expiresOnTimestamp: Date.now() + 3_600_000 };
  };
  const client = clientWith({ kind: "token", credential: { getToken } });
  await client.tryCall(CALL, SIGNAL).catch(() => undefined);
  await client.tryCall(CALL, SIGNAL).catch(() => undefined);

  expect(asked).toBe(1);
  expect(transport.sent).toHaveLength(2);
  expect(transport.sent[1]).toMatchObject({
    path: "/receipts/a%20b/%C3%BC",
    headers: { authorization: "Bearer token-1", "x-ms-version": "2026-02-06" },
    endpoint: { secure: true, hostname: "shop.blob.core.windows.net", port: 443 },
  });
});

test("says that no token could be had, and sends nothing", async () => {
  const credential = {
    getToken: (): Promise<never> => Promise.reject(new Error("no managed identity\nstack")),
  };
  const client = clientWith({ kind: "token", credential });

  await expect(client.tryCall(CALL, SIGNAL)).rejects.toMatchObject({
    code: "OBJECT_STORE_DENIED",
    message: "azblob://test/receipts: no token could be had: no managed identity",
  });
  expect(transport.sent).toEqual([]);
});

test("stops waiting for a token when it is told to", async () => {
  const control = new AbortController();
  const getToken = (
    _scopes: unknown,
    options?: { readonly abortSignal?: unknown },
  ): Promise<never> =>
    new Promise((_resolve, reject) => {
      const signal = options?.abortSignal as AbortSignal;
      signal.addEventListener("abort", () => reject(new Error("stopped")));
      control.abort();
    });
  const client = clientWith({ kind: "token", credential: { getToken } });

  await expect(client.tryCall(CALL, control.signal)).rejects.toMatchObject({ code: "ABORTED" });
});

test("signs for the store's time once a refusal has told that the machine's clock is wrong", async () => {
  const thereMs = Date.UTC(2026, 0, 1, 12);
  const statuses = [403, 200, 403];
  const answering = new Recorder({ address: "test" });
  answering.exchange = (request) => {
    answering.sent.push(request);
    const headers = { date: new Date(thereMs).toUTCString() };
    const body = { resume: () => undefined } as unknown as WireAnswer["body"];
    return Promise.resolve({ status: statuses.shift() ?? 0, headers, body });
  };
  const key = Buffer.from("a very secret key").toString("base64");
  const client = new StorageClient({
    address: "azblob://test/receipts",
    endpoint: new URL("https://shop.blob.core.windows.net"),
    container: "receipts",
    credential: { kind: "shared-key", account: "shop", key },
    transport: answering,
    now: () => thereMs - 3_600_000,
  });

  expect((await client.tryCall(CALL, SIGNAL)).status).toBe(200);
  expect(answering.sent).toHaveLength(2);
  expect(answering.sent[1]?.headers["x-ms-date"]).toBe("Thu, 01 Jan 2026 12:00:00 GMT");
  expect(answering.sent[1]?.headers["authorization"]).not.toBe(
    answering.sent[0]?.headers["authorization"],
  );
  expect((await client.tryCall(CALL, SIGNAL)).status).toBe(403);
  expect(answering.sent).toHaveLength(3);
});

test("signs with a shared key without ever showing it", async () => {
  const key = Buffer.from("a very secret key").toString("base64");
  const client = clientWith({ kind: "shared-key", account: "shop", key });
  await client.tryCall(CALL, SIGNAL).catch(() => undefined);

  expect(transport.sent[0]?.headers["authorization"]).toMatch(/^SharedKey shop:/);
  expect(JSON.stringify(transport.sent)).not.toContain(key);
});
