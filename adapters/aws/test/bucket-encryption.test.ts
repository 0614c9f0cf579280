/** What a listing takes for an MD5, as the bucket's encryption changes under it. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { S3ObjectStore } from "@cloudphoenix/adapter-aws";
import { afterAll, beforeAll, expect, test } from "vitest";

const SIGNAL = new AbortController().signal;
const ETAG = "9e107d9d372bb6826bd81d3542a419d6";
const LISTING = `<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>k</Key><Size>5</Size><ETag>"${ETAG}"</ETag></Contents></ListBucketResult>`;

let algorithm = "AES256";
let questions = 0;
const server = http.createServer((request, response) => {
  if (!request.url?.includes("encryption=")) {
    response.end(LISTING);
    return;
  }
  questions += 1;
  response.end(
    `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>${algorithm}</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`,
  );
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("an ETag is taken for an MD5 until the bucket encrypts with KMS, which is looked at again", async () => {
  let nowMs = Date.UTC(2026, 0);
  const store = new S3ObjectStore({
    bucket: "b",
    region: "eu-central-1",
    endpoint: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    credentials: { accessKeyId: "test", secretAccessKey: "only-for-this-test" },
    now: () => nowMs,
  });

  expect(await listedMd5(store)).toBe(ETAG);
  algorithm = "aws:kms";
  nowMs += 4 * 60_000;
  expect(await listedMd5(store)).toBe(ETAG);
  expect(questions).toBe(1);
  nowMs += 60_000;
  expect(await listedMd5(store)).toBeNull();
  expect(questions).toBe(2);
  store.close();
});

async function listedMd5(store: S3ObjectStore): Promise<string | null | undefined> {
  const md5s = [];
  for await (const page of store.list({ prefix: "" }, SIGNAL)) {
    md5s.push(...page.map(({ md5 }) => md5));
  }
  return md5s[0];
}
