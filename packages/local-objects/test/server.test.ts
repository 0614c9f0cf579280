import { Agent } from "node:http";
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectVersionsCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { startLocalS3 } from "../src/index.ts";
import { clientOf, scratchDirectory, scratchServer, SIGNER } from "./scratch.ts";

const Bucket = "receipts";

test("what was stored is there after a stop and another start", async () => {
  const directory = await scratchDirectory();
  const first = await scratchServer({ directory });
  const client = clientOf(first);
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(new PutObjectCommand({ Bucket, Key: "a", Body: "kept" }));
  await first.stop();

  const second = clientOf(await scratchServer({ directory }));
  const { Body } = await second.send(new GetObjectCommand({ Bucket, Key: "a" }));
  await expect(Body?.transformToString()).resolves.toBe("kept");
});

test("a taken port, a directory in use and a server for nobody are refused by name", async () => {
  const directory = await scratchDirectory();
  const { port } = await scratchServer({ directory });
  await expect(scratchServer({ port })).rejects.toMatchObject({ code: "PORT_TAKEN" });
  await expect(scratchServer({ directory })).rejects.toMatchObject({ code: "STATE_UNAVAILABLE" });
  const nobody = startLocalS3({ directory, port: 0, credentials: [] });
  await expect(nobody).rejects.toMatchObject({ code: "CONFIG_INVALID" });
});

test("buckets are made in their region, found, listed, and removed when empty", async () => {
  const region = "eu-west-1";
  const client = clientOf(await scratchServer({ region }));
  await client.send(new CreateBucketCommand({ Bucket }));
  const again = client.send(new CreateBucketCommand({ Bucket }));
  await expect(again).rejects.toMatchObject({ name: "BucketAlreadyOwnedByYou" });
  const CreateBucketConfiguration = { LocationConstraint: "eu-central-1" as const };
  const elsewhere = new CreateBucketCommand({ Bucket: "elsewhere", CreateBucketConfiguration });
  await expect(client.send(elsewhere)).rejects.toMatchObject({
    name: "IllegalLocationConstraintException",
  });
  const odd = client.send(new CreateBucketCommand({ Bucket: "Not_a_name" }));
  await expect(odd).rejects.toMatchObject({ name: "InvalidBucketName" });
  const head = await client.send(new HeadBucketCommand({ Bucket }));
  expect(head.BucketRegion).toBe(region);
  const location = await client.send(new GetBucketLocationCommand({ Bucket }));
  expect(location.LocationConstraint).toBe(region);
  const { Buckets } = await client.send(new ListBucketsCommand({}));
  expect(Buckets?.map(({ Name }) => Name)).toEqual([Bucket]);
  await client.send(new PutObjectCommand({ Bucket, Key: "a", Body: "x" }));
  const full = client.send(new DeleteBucketCommand({ Bucket }));
  await expect(full).rejects.toMatchObject({ name: "BucketNotEmpty" });
  await client.send(new DeleteObjectCommand({ Bucket, Key: "a" }));
  await client.send(new DeleteBucketCommand({ Bucket }));
  const gone = client.send(new HeadBucketCommand({ Bucket }));
  await expect(gone).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } });
});

test("a bucket is also addressed by host name", async () => {
  const server = await scratchServer();
  // Every name is this machine, as `*.localhost` is on most.
  const httpAgent = new Agent({
    lookup: (_host, _options, found) => found(null, [{ address: "127.0.0.1", family: 4 }]),
  });
  const endpoint = `http://localhost:${server.port}`;
  const byHost = clientOf(server, {
    endpoint,
    forcePathStyle: false,
    requestHandler: { httpAgent },
  });
  await byHost.send(new CreateBucketCommand({ Bucket }));
  await byHost.send(new PutObjectCommand({ Bucket, Key: "a/b", Body: "by host" }));
  const got = await clientOf(server).send(new GetObjectCommand({ Bucket, Key: "a/b" }));
  await expect(got.Body?.transformToString()).resolves.toBe("by host");
});

test("temporary credentials need their token", async () => {
  const temporary = { ...SIGNER, sessionToken: "the token" };
  const server = await scratchServer({ credentials: [temporary] });
  const create = new CreateBucketCommand({ Bucket });
  await expect(clientOf(server).send(create)).rejects.toMatchObject({ name: "InvalidToken" });
  await clientOf(server, { credentials: temporary }).send(create);
});

test("where versioning is suspended, the version called null is replaced and the others stay", async () => {
  const client = clientOf(await scratchServer());
  await client.send(new CreateBucketCommand({ Bucket }));
  const set = async (Status: "Enabled" | "Suspended"): Promise<unknown> =>
    client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
  const put = async (Body: string): Promise<string | undefined> =>
    (await client.send(new PutObjectCommand({ Bucket, Key: "a", Body }))).VersionId;
  await put("before");
  await set("Enabled");
  const kept = await put("kept");
  await set("Suspended");
  expect(await put("one")).toBe("null");
  await put("two");
  const removed = await client.send(new DeleteObjectCommand({ Bucket, Key: "a" }));
  expect(removed).toMatchObject({ DeleteMarker: true, VersionId: "null" });
  const { Versions, DeleteMarkers } = await client.send(new ListObjectVersionsCommand({ Bucket }));
  expect(Versions?.map(({ VersionId }) => VersionId)).toEqual([kept]);
  expect(DeleteMarkers?.map(({ VersionId }) => VersionId)).toEqual(["null"]);
});

test("what it does not do it refuses by name, and of settings it lacks it says that none is made", async () => {
  const client = clientOf(await scratchServer());
  await client.send(new CreateBucketCommand({ Bucket }));
  const encrypted = new PutObjectCommand({
    Bucket,
    Key: "a",
    Body: "x",
    ServerSideEncryption: "AES256",
  });
  await expect(client.send(encrypted)).rejects.toMatchObject({ name: "NotImplemented" });
  const open = new PutObjectCommand({ Bucket, Key: "a", Body: "x", ACL: "public-read" });
  await expect(client.send(open)).rejects.toMatchObject({ name: "AccessControlListNotSupported" });
  const policy = client.send(new PutBucketPolicyCommand({ Bucket, Policy: "{}" }));
  await expect(policy).rejects.toMatchObject({ name: "NotImplemented" });
  const lifecycle = client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
  await expect(lifecycle).rejects.toMatchObject({ name: "NoSuchLifecycleConfiguration" });
});

test("headers beyond their limit are refused in S3's words", async () => {
  const server = await scratchServer();
  const answer = await fetch(server.endpoint, { headers: { "x-amz-meta-a": "a".repeat(20_000) } });
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain("<Code>RequestHeaderSectionTooLarge</Code>");
});

test("an object that arrived in parts is dated when its upload began, as S3 does", async () => {
  const beganMs = Math.floor(Date.now() / 1_000) * 1_000;
  let nowMs = beganMs;
  const client = clientOf(await scratchServer({ now: () => nowMs }));
  await client.send(new CreateBucketCommand({ Bucket }));
  const upload = { Bucket, Key: "video" };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(upload));
  nowMs += 10 * 60_000;
  const part = { ...upload, UploadId, PartNumber: 1 };
  const { ETag } = await client.send(new UploadPartCommand({ ...part, Body: "all of it" }));
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
  const complete = { ...upload, UploadId, MultipartUpload };
  await client.send(new CompleteMultipartUploadCommand(complete));
  const { LastModified } = await client.send(new HeadObjectCommand(upload));
  expect(LastModified?.getTime()).toBe(beganMs);
  const { Contents } = await client.send(new ListObjectsV2Command({ Bucket }));
  expect(Contents?.[0]?.LastModified?.getTime()).toBe(beganMs);
});
