/** One object: stored, read, refused, copied, tagged. */
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import * as s3 from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import { CHECKSUM_ALGORITHMS, checksumOf } from "../../src/checksum/checksum.ts";
import { fetchRaw, missing, readBytes } from "./checks.ts";
import { presign, send } from "./raw-request.ts";
import type { Judged } from "./target.ts";

const ODD_NAMES = [
  "with space",
  "plus+sign",
  "percent%41%",
  "a//b",
  "dot/./x",
  "up/../x",
  "trailing/",
  "ünï-çødé",
  "emoji-😀",
  "quote'\"<&>",
  "semi;colon,comma=equals@at$dollar!",
  "(paren)*~",
  "tab\tand\u0001control",
  "?query=1&x#fragment",
];

function status(httpStatusCode: number): object {
  return { $metadata: { httpStatusCode } };
}

export function describeObjects(of: () => Judged): void {
  describe("an object", () => {
    test("comes back as it was, with the MD5 for an ETag", async () => {
      const { client, Bucket, fresh } = of();
      const Key = fresh();
      const body = randomBytes(300_000);
      const put = await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: body }));
      const md5 = createHash("md5").update(body).digest("hex");
      expect(put.ETag).toBe(`"${md5}"`);
      const got = await client.send(new s3.GetObjectCommand({ Bucket, Key }));
      expect(got).toMatchObject({ ETag: `"${md5}"`, ContentLength: body.length });
      expect(body.equals(await readBytes(got))).toBe(true);
    });

    test("may be empty", async () => {
      const { client, Bucket, fresh } = of();
      const Key = fresh();
      await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "" }));
      const got = await client.send(new s3.GetObjectCommand({ Bucket, Key }));
      expect(got.ContentLength).toBe(0);
      expect(await readBytes(got)).toHaveLength(0);
    });

    test.each(CHECKSUM_ALGORITHMS)("as a stream carries its %s behind it", async (algorithm) => {
      const { client, Bucket, fresh } = of();
      const Key = fresh();
      const body = randomBytes(200_000);
      const put = await client.send(
        new s3.PutObjectCommand({
          Bucket,
          Key,
          Body: Readable.from([body.subarray(0, 70_000), body.subarray(70_000)]),
          ContentLength: body.length,
          ChecksumAlgorithm: algorithm,
        }),
      );
      const field = `Checksum${algorithm}` as const;
      expect(put[field]).toBe(checksumOf(algorithm, body));
      const head = await client.send(
        new s3.HeadObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }),
      );
      expect(head[field]).toBe(checksumOf(algorithm, body));
      expect(head.ChecksumType).toBe("FULL_OBJECT");
      const got = await client.send(new s3.GetObjectCommand({ Bucket, Key }));
      expect(body.equals(await readBytes(got))).toBe(true);
    });

    test("keeps its headers and metadata", async () => {
      const { client, Bucket, fresh } = of();
      const Key = fresh();
      const properties = {
        ContentType: "text/plain; charset=utf-8",
        ContentEncoding: "identity",
        ContentDisposition: 'attachment; filename="a.txt"',
        ContentLanguage: "de",
        CacheControl: "max-age=60",
        Metadata: { "order-id": "42", "with-dash_and.dot": "a  b" },
      };
      await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "x", ...properties }));
      const head = await client.send(new s3.HeadObjectCommand({ Bucket, Key }));
      expect(head).toMatchObject({ ...properties, Metadata: { "order-id": "42" } });
      expect(head.LastModified?.getTime()).toBeGreaterThan(0);
    });

    test.each(ODD_NAMES)("may be called %j", async (name) => {
      const { client, Bucket, fresh } = of();
      const Key = fresh(name);
      await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: name }));
      const got = await client.send(new s3.GetObjectCommand({ Bucket, Key }));
      expect(await got.Body?.transformToString()).toBe(name);
      const listed = await client.send(
        new s3.ListObjectsV2Command({ Bucket, Prefix: Key, EncodingType: "url" }),
      );
      const keys = listed.Contents?.map((entry) =>
        decodeURIComponent((entry.Key ?? "").replaceAll("+", " ")),
      );
      expect(keys).toEqual([Key]);
    });

    test("is missing until it is stored and after it is deleted; deleting twice is fine", async () => {
      const { client, Bucket, fresh } = of();
      const Key = fresh();
      await missing(of(), Key);
      await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "x" }));
      await client.send(new s3.DeleteObjectCommand({ Bucket, Key }));
      await client.send(new s3.DeleteObjectCommand({ Bucket, Key }));
      await missing(of(), Key);
      const get = client.send(new s3.GetObjectCommand({ Bucket, Key }));
      await expect(get).rejects.toMatchObject({ name: "NoSuchKey" });
    });

    test("is replaced as a whole", async () => {
      const { client, Bucket, fresh } = of();
      const Key = fresh();
      const first = { Body: "first", Metadata: { a: "1" } };
      await client.send(new s3.PutObjectCommand({ Bucket, Key, ...first }));
      await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "second" }));
      const got = await client.send(new s3.GetObjectCommand({ Bucket, Key }));
      expect(await got.Body?.transformToString()).toBe("second");
      expect(got.Metadata).toEqual({});
    });

    test("of a bucket that does not exist is refused by that name", async () => {
      const { client, Bucket, fresh } = of();
      const put = new s3.PutObjectCommand({ Bucket: `${Bucket}-no`, Key: fresh(), Body: "x" });
      await expect(client.send(put)).rejects.toMatchObject({ name: "NoSuchBucket" });
    });

    test("with too long a key or too much metadata is refused", async () => {
      const { client, Bucket, fresh } = of();
      const Key = fresh("k".repeat(1024));
      const long = new s3.PutObjectCommand({ Bucket, Key, Body: "x" });
      await expect(client.send(long)).rejects.toMatchObject({ name: "KeyTooLongError" });
      const Metadata = { a: "m".repeat(2048) };
      const much = new s3.PutObjectCommand({ Bucket, Key: fresh(), Body: "x", Metadata });
      await expect(client.send(much)).rejects.toMatchObject({ name: "MetadataTooLarge" });
    });

    test("deleted in a batch is reported, missing ones too", async () => {
      const { client, Bucket, fresh } = of();
      const [first, second] = [fresh("a <b>&'c'"), fresh()];
      await client.send(new s3.PutObjectCommand({ Bucket, Key: first, Body: "x" }));
      const Delete = { Objects: [{ Key: first }, { Key: second }] };
      const result = await client.send(new s3.DeleteObjectsCommand({ Bucket, Delete }));
      expect(result.Deleted?.map(({ Key }) => Key).toSorted()).toEqual([first, second].toSorted());
      expect(result.Errors ?? []).toEqual([]);
      await missing(of(), first);
    });

    test("tells chosen attributes", async () => {
      const { client, Bucket, fresh } = of();
      const Key = fresh();
      await client.send(
        new s3.PutObjectCommand({ Bucket, Key, Body: "attributes", ChecksumAlgorithm: "SHA256" }),
      );
      const attributes = await client.send(
        new s3.GetObjectAttributesCommand({
          Bucket,
          Key,
          ObjectAttributes: ["ETag", "Checksum", "ObjectSize", "StorageClass"],
        }),
      );
      expect(attributes).toMatchObject({
        ETag: createHash("md5").update("attributes").digest("hex"),
        ObjectSize: 10,
        StorageClass: "STANDARD",
        Checksum: { ChecksumSHA256: checksumOf("SHA256", Buffer.from("attributes")) },
      });
    });

    test("is handed out by a signed link, with the headers the link asks for", async () => {
      const { client, Bucket, fresh, target } = of();
      const Key = fresh("a b+c");
      await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "linked" }));
      const got = await fetchRaw(presign(target, { method: "GET", key: Key }));
      expect(got).toMatchObject({ status: 200, text: "linked" });
      const put = presign(target, { method: "PUT", key: Key });
      expect(await fetchRaw(put, { method: "PUT", body: "by link" })).toMatchObject({
        status: 200,
      });
      const again = await client.send(new s3.GetObjectCommand({ Bucket, Key }));
      expect(await again.Body?.transformToString()).toBe("by link");
    });
  });

  describe("a range", () => {
    const body = Buffer.from("0123456789");
    test.each([
      ["bytes=0-0", "0", "bytes 0-0/10"],
      ["bytes=2-4", "234", "bytes 2-4/10"],
      ["bytes=7-", "789", "bytes 7-9/10"],
      ["bytes=-3", "789", "bytes 7-9/10"],
      ["bytes=-99", "0123456789", "bytes 0-9/10"],
      ["bytes=8-99", "89", "bytes 8-9/10"],
    ])("%s gives %s", async (Range, expected, ContentRange) => {
      const { client, Bucket, fresh } = of();
      const Key = fresh();
      await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: body }));
      const got = await client.send(new s3.GetObjectCommand({ Bucket, Key, Range }));
      expect(got).toMatchObject({ ContentRange, ContentLength: expected.length });
      expect(await got.Body?.transformToString()).toBe(expected);
    });

    test("behind the end is refused with 416", async () => {
      const { client, Bucket, fresh } = of();
      const Key = fresh();
      await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: body }));
      const get = client.send(new s3.GetObjectCommand({ Bucket, Key, Range: "bytes=10-" }));
      await expect(get).rejects.toMatchObject({
        name: "InvalidRange",
        $metadata: { httpStatusCode: 416 },
      });
    });
  });

  describe("a condition", () => {
    test("on a read gives the object, 304 or 412", async () => {
      const { client, Bucket, fresh } = of();
      const Key = fresh();
      const { ETag } = await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "x" }));
      const get = async (input: object): Promise<s3.GetObjectCommandOutput> =>
        client.send(new s3.GetObjectCommand({ Bucket, Key, ...input }));
      await expect(get({ IfMatch: ETag })).resolves.toMatchObject({ ETag });
      await expect(get({ IfMatch: '"other"' })).rejects.toMatchObject(status(412));
      await expect(get({ IfNoneMatch: '"other"' })).resolves.toMatchObject({ ETag });
      await expect(get({ IfNoneMatch: ETag })).rejects.toMatchObject(status(304));
      const past = new Date("2001-01-01");
      await expect(get({ IfModifiedSince: past })).resolves.toMatchObject({ ETag });
      await expect(get({ IfUnmodifiedSince: past })).rejects.toMatchObject(status(412));
      await expect(get({ IfMatch: ETag, IfUnmodifiedSince: past })).resolves.toMatchObject({
        ETag,
      });
      const { LastModified } = await client.send(new s3.HeadObjectCommand({ Bucket, Key }));
      await expect(get({ IfModifiedSince: LastModified })).rejects.toMatchObject(status(304));
    });

    test("If-None-Match: * stores only what is not there", async () => {
      const { client, Bucket, fresh } = of();
      const Key = fresh();
      const put = async (Body: string): Promise<unknown> =>
        client.send(new s3.PutObjectCommand({ Bucket, Key, Body, IfNoneMatch: "*" }));
      await put("first");
      await expect(put("second")).rejects.toMatchObject({ name: "PreconditionFailed" });
      const got = await client.send(new s3.GetObjectCommand({ Bucket, Key }));
      expect(await got.Body?.transformToString()).toBe("first");
    });

    test("If-Match replaces only what is meant", async () => {
      const { client, Bucket, fresh } = of();
      const Key = fresh();
      const put = async (IfMatch: string): Promise<unknown> =>
        client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "new", IfMatch }));
      await expect(put('"any"')).rejects.toMatchObject({ name: "NoSuchKey" });
      const { ETag = "" } = await client.send(
        new s3.PutObjectCommand({ Bucket, Key, Body: "old" }),
      );
      await expect(put('"other"')).rejects.toMatchObject({ name: "PreconditionFailed" });
      await put(ETag);
      await expect(put(ETag)).rejects.toMatchObject({ name: "PreconditionFailed" });
    });

    test("If-Match deletes only what is meant", async () => {
      const { client, Bucket, fresh } = of();
      const Key = fresh();
      const { ETag } = await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "x" }));
      const remove = async (IfMatch: string | undefined): Promise<unknown> =>
        client.send(new s3.DeleteObjectCommand({ Bucket, Key, IfMatch }));
      await expect(remove('"other"')).rejects.toMatchObject({ name: "PreconditionFailed" });
      await client.send(new s3.HeadObjectCommand({ Bucket, Key }));
      await remove(ETag);
      await missing(of(), Key);
    });
  });

  describe("a copy", () => {
    test("takes headers, metadata and tags along, or the ones it is given", async () => {
      const { client, Bucket, fresh } = of();
      const source = fresh("a b+ü");
      const [kept, replaced] = [fresh(), fresh()];
      await client.send(
        new s3.PutObjectCommand({
          Bucket,
          Key: source,
          Body: "copied",
          ContentType: "text/plain",
          Metadata: { a: "1" },
          Tagging: "t=1",
        }),
      );
      const CopySource = `${Bucket}/${encodeURIComponent(source)}`;
      const copy = await client.send(new s3.CopyObjectCommand({ Bucket, Key: kept, CopySource }));
      expect(copy.CopyObjectResult?.ETag).toBe(
        `"${createHash("md5").update("copied").digest("hex")}"`,
      );
      const head = await client.send(new s3.HeadObjectCommand({ Bucket, Key: kept }));
      expect(head).toMatchObject({ ContentType: "text/plain", Metadata: { a: "1" } });
      const tags = await client.send(new s3.GetObjectTaggingCommand({ Bucket, Key: kept }));
      expect(tags.TagSet).toEqual([{ Key: "t", Value: "1" }]);

      await client.send(
        new s3.CopyObjectCommand({
          Bucket,
          Key: replaced,
          CopySource,
          MetadataDirective: "REPLACE",
          Metadata: { b: "2" },
          TaggingDirective: "REPLACE",
        }),
      );
      const other = await client.send(new s3.HeadObjectCommand({ Bucket, Key: replaced }));
      expect(other.Metadata).toEqual({ b: "2" });
      await client.send(new s3.DeleteObjectCommand({ Bucket, Key: source }));
      const got = await client.send(new s3.GetObjectCommand({ Bucket, Key: kept }));
      expect(await got.Body?.transformToString()).toBe("copied");
    });

    test("onto itself without a change, of nothing, or of another version is refused", async () => {
      const { client, Bucket, fresh } = of();
      const Key = fresh();
      await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "x" }));
      const copy = async (input: object): Promise<unknown> =>
        client.send(
          new s3.CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/${Key}`, ...input }),
        );
      await expect(copy({})).rejects.toMatchObject({ name: "InvalidRequest" });
      await copy({ MetadataDirective: "REPLACE", Metadata: { now: "other" } });
      const none = copy({ CopySource: `${Bucket}/${fresh()}` });
      await expect(none).rejects.toMatchObject({ name: "NoSuchKey" });
      const stale = copy({ Key: fresh(), CopySourceIfMatch: '"other"' });
      await expect(stale).rejects.toMatchObject({ name: "PreconditionFailed" });
    });
  });

  describe("tags", () => {
    test("come with the object, are counted, replaced and removed", async () => {
      const { client, Bucket, fresh } = of();
      const Key = fresh();
      const Tagging = "a=1&b%20c=%C3%BC";
      await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "x", Tagging }));
      const read = async (): Promise<Record<string, string>> => {
        const { TagSet = [] } = await client.send(new s3.GetObjectTaggingCommand({ Bucket, Key }));
        return Object.fromEntries(TagSet.map((tag) => [tag.Key, tag.Value]));
      };
      expect(await read()).toEqual({ a: "1", "b c": "ü" });
      const got = await client.send(new s3.GetObjectCommand({ Bucket, Key }));
      expect(got.TagCount).toBe(2);
      await got.Body?.transformToString();
      const TagSet = [{ Key: "d", Value: "4" }];
      await client.send(new s3.PutObjectTaggingCommand({ Bucket, Key, Tagging: { TagSet } }));
      expect(await read()).toEqual({ d: "4" });
      await client.send(new s3.DeleteObjectTaggingCommand({ Bucket, Key }));
      expect(await read()).toEqual({});
    });

    test("beyond ten, or twice the same, are refused", async () => {
      const { client, Bucket, fresh } = of();
      const eleven = Array.from({ length: 11 }, (_, at) => `k${at}=v`).join("&");
      for (const Tagging of [eleven, "a=1&a=2"]) {
        const Key = fresh();
        const put = client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "x", Tagging }));
        await expect(put).rejects.toThrow(/./u);
        await missing(of(), Key);
      }
    });
  });

  test("an error is told in S3's XML, with code, message and request id", async () => {
    const { target, fresh } = of();
    const answer = await send(target, { method: "GET", key: fresh() });
    expect(answer).toMatchObject({ status: 404, code: "NoSuchKey" });
    expect(answer?.headers["content-type"]).toBe("application/xml");
    expect(answer?.body).toMatch(/<Message>.+<\/Message>.*<RequestId>.+<\/RequestId>/su);
  });
}
