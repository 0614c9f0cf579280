import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { inspect } from "node:util";
import { BlobObjectStore } from "@cloudphoenix/adapter-azure";
import { SecretUrl, type UrlCopyOutcome } from "@cloudphoenix/objects";
import { bodyOf, requestFor } from "@cloudphoenix/testkit";
import { expect, onTestFinished, test } from "vitest";

const SIGNAL = new AbortController().signal;
const BODY = bodyOf("bytes that were meant");
const SECRET = "X-Amz-Signature=deadbeef";
const MD5_BASE64 = Buffer.from(BODY.md5, "hex").toString("base64");

interface Stage {
  readonly store: BlobObjectStore;
  readonly asked: IncomingMessage[];
}

/** A service that answers as told. @param silenceMs - how long it may be silent */
async function stage(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  silenceMs = 20_000,
): Promise<Stage> {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const store = new BlobObjectStore({
    endpoint: new URL(`http://127.0.0.1:${port}/shop`),
    container: "receipts",
    credential: { kind: "shared-key", account: "shop", key: "a2V5" },
    silenceMs,
  });
  onTestFinished(() => {
    store.close();
    server.close();
  });
  return { store, asked };
}

function copyInto(
  store: BlobObjectStore,
  scheme = "http",
  validMs = 5_000,
): Promise<UrlCopyOutcome> {
  const url = new SecretUrl(`${scheme}://bucket.example/k?${SECRET}`);
  const source = { url, md5: BODY.md5, sizeBytes: BODY.bytes.length, validMs };
  return store.copyFromUrl(requestFor("k"), source, SIGNAL);
}

/** Says back what it was sent, as a service may. */
function refusing(
  status: number,
  code: string,
  headers: Record<string, string> = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const message = `${request.headers["x-ms-copy-source"]?.toString().replace("&", "&amp;")}`;
    response.writeHead(status, { "x-ms-error-code": code, ...headers });
    response.end(`<Error><Code>${code}</Code><Message>${message}</Message></Error>`);
  };
}

test("the service is told which bytes it has to find, and to take nothing else from the source", async () => {
  const { store, asked } = await stage((_request, response) => {
    response.writeHead(201, { etag: '"0x1"', "content-md5": MD5_BASE64 }).end();
  });

  expect(await copyInto(store)).toEqual({
    kind: "stored",
    stored: { etag: "0x1", sizeBytes: BODY.bytes.length },
  });
  expect(asked[0]?.headers).toMatchObject({
    "content-length": "0",
    "x-ms-blob-type": "BlockBlob",
    "x-ms-copy-source": `http://bucket.example/k?${SECRET}`,
    "x-ms-copy-source-blob-properties": "false",
    "x-ms-source-content-md5": MD5_BASE64,
    "x-ms-blob-content-md5": MD5_BASE64,
  });
});

test.each([
  [403, "CannotVerifyCopySource", "403 CannotVerifyCopySource; the source answered with 403"],
  [500, "CannotVerifyCopySource", "500 CannotVerifyCopySource; the source answered with 403"],
  [409, "SomethingNew", "409 SomethingNew; the source answered with 403"],
])(
  "a refusal %i %s with the source's status is about the source",
  async (status, code, because) => {
    const { store } = await stage(
      refusing(status, code, { "x-ms-copy-source-status-code": "403" }),
    );

    expect(await copyInto(store)).toEqual({ kind: "unreadable", because });
  },
);

test.each([
  [404, "CannotVerifyCopySource"],
  [501, "NotImplemented"],
  [400, "InvalidHeaderValue"],
  [400, "UnsupportedHeader"],
])("a refusal %i %s means that it cannot be done so", async (status, code) => {
  const { store } = await stage(refusing(status, code));

  expect(await copyInto(store)).toEqual({ kind: "unreadable", because: `${status} ${code}` });
});

test.each([
  [403, "AuthorizationFailure", "OBJECT_STORE_DENIED"],
  [404, "ContainerNotFound", "NOT_FOUND"],
  [412, "ConditionNotMet", "OBJECT_CHANGED"],
  [409, "BlobAlreadyExists", "OBJECT_CHANGED"],
  [503, "ServerBusy", "OBJECT_STORE_UNREACHABLE"],
  [400, "InvalidMetadata", "OBJECT_REFUSED"],
])(
  "a refusal %i %s is about the target, and never says the URL",
  async (status, code, expected) => {
    const { store } = await stage(refusing(status, code));

    const error: unknown = await copyInto(store).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ code: expected, message: expect.stringContaining(code) });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("deadbeef");
  },
);

test("bytes with another MD5 than was meant are told apart", async () => {
  const { store } = await stage(refusing(400, "Md5Mismatch"));

  expect(await copyInto(store)).toEqual({ kind: "otherBytes" });
});

test.each([
  ["another MD5", { "content-md5": "AAAAAAAAAAAAAAAAAAAAAA==" }, "otherBytes"],
  ["no MD5", {}, "unreadable"],
])(
  "a service that stores and tells %s is not believed: it is taken back",
  async (_what, headers, kind) => {
    const { store, asked } = await stage((request, response) => {
      if (request.method === "PUT") response.writeHead(201, { etag: '"0x1"', ...headers }).end();
      else response.writeHead(202).end();
    });

    expect(await copyInto(store)).toMatchObject({ kind });
    expect(asked.map(({ method }) => method)).toEqual(["PUT", "DELETE"]);
    expect(asked[1]?.headers["if-match"]).toBe('"0x1"');
  },
);

test("the service may be silent while it reads, longer than others may be", async () => {
  const { store } = await stage((_request, response) => {
    setTimeout(() => {
      response.writeHead(201, { etag: '"0x1"', "content-md5": MD5_BASE64 }).end();
    }, 500);
  }, 200);

  expect(await copyInto(store, "http", 20_000)).toMatchObject({
    kind: "stored",
    stored: { etag: "0x1" },
  });
});

test("and is given up after the time the URL is good for", async () => {
  const { store } = await stage(() => undefined, 200);

  await expect(copyInto(store, "http", 300)).rejects.toMatchObject({
    code: "OBJECT_STORE_UNREACHABLE",
  });
});

test("a URL that is read over TLS is not sent without it", async () => {
  const { store, asked } = await stage(refusing(501, "NotImplemented"));

  expect(await copyInto(store, "https")).toEqual({
    kind: "unreadable",
    because: "the URL would travel unencrypted",
  });
  expect(asked).toEqual([]);
});
