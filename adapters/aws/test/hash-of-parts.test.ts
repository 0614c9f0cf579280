/** What S3, and servers that are like it, tell of an object in parts. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { S3ObjectStore } from "@cloudphoenix/adapter-aws";
import { NO_PROPERTIES } from "@cloudphoenix/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";

const SIGNAL = new AbortController().signal;
const MD5 = "9e107d9d372bb6826bd81d3542a419d6";

interface ToldPart {
  readonly status?: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

let asked: number[] = [];
let tell: (part: number) => ToldPart;
let store: S3ObjectStore;
const server = http.createServer((request, response) => {
  const part = Number(new URL(request.url ?? "", "http://s3").searchParams.get("partNumber"));
  asked.push(part);
  const { status = 206, headers, body } = tell(part);
  response.writeHead(status, headers).end(body);
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  store = new S3ObjectStore({
    bucket: "b",
    region: "eu-central-1",
    endpoint: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    credentials: { accessKeyId: "test", secretAccessKey: "only-for-this-test" },
  });
});
beforeEach(() => {
  asked = [];
});
afterAll(async () => {
  store.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("parts that may be equal cost one question, whatever their number", async () => {
  tell = () => ({ headers: headersOf(8, 1_000) });

  const told = await store.hashOfParts(objectOf(7_999, 1_000), "likely", SIGNAL);

  expect(told?.md5).toBe(MD5);
  expect(told?.partBytes).toHaveLength(1_000);
  expect(told?.partBytes.slice(-2)).toEqual([8, 7]);
  expect(asked).toEqual([1]);
});

test("parts that cannot be equal are asked for one by one", async () => {
  const sizes = [8, 12, 30];
  tell = (part) => ({ headers: headersOf(sizes[part - 1] ?? 0, 3) });

  expect((await store.hashOfParts(objectOf(50, 3), "likely", SIGNAL))?.partBytes).toEqual(sizes);
  expect(asked.toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
});

test("the second of two parts is what the first leaves", async () => {
  tell = () => ({ headers: headersOf(5, 2) });

  expect((await store.hashOfParts(objectOf(30, 2), "likely", SIGNAL))?.partBytes).toEqual([5, 25]);
});

test.each<[string, ToldPart]>([
  [
    "KMS encrypts it",
    { headers: { ...headersOf(8, 3), "x-amz-server-side-encryption": "aws:kms" } },
  ],
  ["the server does not know parts", { status: 200, headers: { "content-length": "24" } }],
  ["the server refuses such a question", { status: 501, headers: {} }],
  ["the number of parts is another", { headers: headersOf(8, 4) }],
])("nothing is told where %s", async (_what, answer) => {
  tell = () => answer;

  expect(await store.hashOfParts(objectOf(24, 3), "likely", SIGNAL)).toBeNull();
});

test("another version is said to be one", async () => {
  tell = () => ({ status: 412, headers: {} });

  await expect(store.hashOfParts(objectOf(24, 3), "each", SIGNAL)).rejects.toMatchObject({
    code: "OBJECT_CHANGED",
  });
});

test.each<[string, Readonly<Record<string, string>>, boolean]>([
  ["is said to be other bytes", {}, true],
  ["under KMS tells nothing", { "x-amz-server-side-encryption": "aws:kms" }, false],
])("what S3 put together under an ETag of other parts %s", async (_what, headers, isOther) => {
  const body = `<CompleteMultipartUploadResult><ETag>"${MD5}-1"</ETag></CompleteMultipartUploadResult>`;
  tell = () => ({ status: 200, headers, body });
  const parts = [{ number: 1, sizeBytes: 5, receipt: "e4d909c290d0fb1ca068ffaddf22cbd0" }];
  const upload = { key: "big", token: "t" };
  const condition = { kind: "none" } as const;
  const request = { key: "big", properties: NO_PROPERTIES, condition, upload, parts, md5: MD5 };

  const stored = await store.finishUpload(request, SIGNAL);

  expect(stored).toEqual({ etag: `${MD5}-1`, sizeBytes: 5, ...(isOther ? { isOther } : {}) });
});

function objectOf(sizeBytes: number, parts: number) {
  return { key: "big", etag: `${MD5}-${parts}`, sizeBytes };
}

function headersOf(partBytes: number, parts: number): Record<string, string> {
  return { "content-length": String(partBytes), "x-amz-mp-parts-count": String(parts) };
}
