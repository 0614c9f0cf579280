import { HttpTransport, type WireAnswer, type WireRequest } from "@cloudphoenix/objects/wire";
import { afterEach, expect, test } from "vitest";
import { type S3Call, S3Client, type S3ClientOptions } from "../src/s3/s3-client.ts";

const SIGNAL = new AbortController().signal;
const CALL: S3Call = {
  method: "GET",
  key: "a b/../ü(1)",
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

async function sentBy(changes: Partial<S3ClientOptions>): Promise<WireRequest | undefined> {
  const client = new S3Client({
    address: "s3://receipts",
    bucket: "receipts",
    region: "eu-west-1",
    endpoint: null,
    credentials: () =>
      Promise.resolve({ accessKeyId: "AK", secretAccessKey: "SK-secret", sessionToken: "session" }),
    transport,
    ...changes,
  });
  await client.tryCall({ ...CALL, query: { tagging: "" } }, SIGNAL).catch(() => undefined);
  return transport.sent.at(-1);
}

test("asks a bucket on AWS at its own host, over TLS, signed, key as it is", async () => {
  const sent = await sentBy({});

  expect(sent).toMatchObject({
    path: "/a%20b/../%C3%BC%281%29?tagging=",
    endpoint: { secure: true, hostname: "receipts.s3.eu-west-1.amazonaws.com", port: 443 },
    headers: {
      host: "receipts.s3.eu-west-1.amazonaws.com",
      "x-amz-security-token": "session",
      authorization: expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=AK\/\d{8}\/eu-west-1\/s3\/aws4_request, SignedHeaders=host;/,
      ) as string,
    },
  });
  expect(JSON.stringify(sent)).not.toContain("SK-secret");
});

test("asks a bucket whose name has dots below the region's host, and China under its domain", async () => {
  expect(await sentBy({ bucket: "a.b" })).toMatchObject({
    path: "/a.b/a%20b/../%C3%BC%281%29?tagging=",
    endpoint: { hostname: "s3.eu-west-1.amazonaws.com" },
  });
  expect(await sentBy({ region: "cn-north-1" })).toMatchObject({
    endpoint: { hostname: "receipts.s3.cn-north-1.amazonaws.com.cn" },
  });
});

test("asks another server by path", async () => {
  expect(await sentBy({ endpoint: new URL("http://[::1]:9000/base/") })).toMatchObject({
    path: "/base/receipts/a%20b/../%C3%BC%281%29?tagging=",
    endpoint: { secure: false, hostname: "::1", port: 9000, host: "[::1]:9000" },
  });
});

test("uses renewed credentials from the next call on", async () => {
  const identities = ["AK1", "AK2"].map((accessKeyId) => ({ accessKeyId, secretAccessKey: "s" }));
  let calls = 0;
  const credentials: S3ClientOptions["credentials"] = async () =>
    identities[calls++] ?? identities[0]!;
  const client = new S3Client({
    address: "s3://receipts",
    bucket: "receipts",
    region: "eu-west-1",
    endpoint: null,
    credentials,
    transport,
  });
  for (const name of ["AK1", "AK2"]) {
    await client.tryCall(CALL, SIGNAL).catch(() => undefined);
    expect(transport.sent.at(-1)?.headers["authorization"]).toContain(`Credential=${name}/`);
  }
});

test("says that no credentials could be had, and does not wait for them once told to stop", async () => {
  const failing = new S3Client({
    address: "s3://receipts",
    bucket: "receipts",
    region: "eu-west-1",
    endpoint: null,
    credentials: () => Promise.reject(new Error("no role here\nstack")),
    transport,
  });
  await expect(failing.tryCall(CALL, SIGNAL)).rejects.toMatchObject({
    code: "OBJECT_STORE_DENIED",
    message: "s3://receipts: no credentials could be had: no role here",
  });
  const control = new AbortController();
  const hanging = new S3Client({
    address: "s3://receipts",
    bucket: "receipts",
    region: "eu-west-1",
    endpoint: null,
    credentials: () => {
      queueMicrotask(() => control.abort());
      return new Promise(() => undefined);
    },
    transport,
  });
  await expect(hanging.tryCall(CALL, control.signal)).rejects.toMatchObject({ code: "ABORTED" });
  expect(transport.sent).toEqual([]);
});
