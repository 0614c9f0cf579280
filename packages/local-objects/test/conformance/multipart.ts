/** Objects that arrive in parts. */
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import * as s3 from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { beforeAll, describe, expect, test } from "vitest";
import { checksumOf } from "../../src/checksum/checksum.ts";
import { missing, readBytes } from "./checks.ts";
import type { Judged } from "./target.ts";

const MIB = 1024 * 1024;

export function describeMultipart(of: () => Judged): void {
  const parts = [randomBytes(5 * MIB), randomBytes(5 * MIB), randomBytes(1000)];
  const whole = Buffer.concat(parts);

  async function begin(Key: string, input: object = {}): Promise<string> {
    const { client, Bucket } = of();
    const { UploadId = "" } = await client.send(
      new s3.CreateMultipartUploadCommand({ Bucket, Key, ...input }),
    );
    return UploadId;
  }

  async function add(
    upload: { readonly Key: string; readonly UploadId: string },
    PartNumber: number,
    Body: Buffer,
    input: object = {},
  ): Promise<s3.CompletedPart> {
    const { client, Bucket } = of();
    const command = new s3.UploadPartCommand({ Bucket, ...upload, PartNumber, Body, ...input });
    const { ETag, ChecksumCRC32, ChecksumCRC64NVME, ChecksumSHA256 } = await client.send(command);
    const checksums = { ChecksumCRC32, ChecksumCRC64NVME, ChecksumSHA256 };
    return { PartNumber, ETag, ...checksums };
  }

  async function finish(
    upload: { readonly Key: string; readonly UploadId: string },
    Parts: s3.CompletedPart[],
    input: object = {},
  ): Promise<s3.CompleteMultipartUploadCommandOutput> {
    const { client, Bucket } = of();
    const MultipartUpload = { Parts };
    return client.send(
      new s3.CompleteMultipartUploadCommand({ Bucket, ...upload, MultipartUpload, ...input }),
    );
  }

  describe("an upload in parts", () => {
    let small = { Key: "", UploadId: "" };

    beforeAll(async () => {
      const Key = of().fresh();
      small = { Key, UploadId: await begin(Key) };
    });

    test("in any order, one part twice, becomes one object with the ETag of its parts", async () => {
      const { client, Bucket, fresh } = of();
      const Key = fresh();
      const upload = {
        Key,
        UploadId: await begin(Key, { ContentType: "x/y", Metadata: { m: "1" } }),
      };
      const third = await add(upload, 3, parts[2]!);
      await add(upload, 1, randomBytes(10));
      const second = await add(upload, 2, parts[1]!);
      const first = await add(upload, 1, parts[0]!);
      await missing(of(), Key);
      const done = await finish(upload, [first, second, third]);
      const digests = parts.map((part) => createHash("md5").update(part).digest());
      const md5 = createHash("md5").update(Buffer.concat(digests)).digest("hex");
      expect(done.ETag).toBe(`"${md5}-3"`);
      const got = await client.send(new s3.GetObjectCommand({ Bucket, Key }));
      expect(got).toMatchObject({ ETag: `"${md5}-3"`, ContentType: "x/y", Metadata: { m: "1" } });
      expect(whole.equals(await readBytes(got))).toBe(true);

      const Range = `bytes=${5 * MIB - 5}-${5 * MIB + 4}`;
      const over = await client.send(new s3.GetObjectCommand({ Bucket, Key, Range }));
      const expected = whole.subarray(5 * MIB - 5, 5 * MIB + 5);
      expect(expected.equals(await readBytes(over))).toBe(true);

      const part = await client.send(new s3.GetObjectCommand({ Bucket, Key, PartNumber: 3 }));
      expect(part).toMatchObject({ ContentLength: 1000, PartsCount: 3 });
      expect(parts[2]!.equals(await readBytes(part))).toBe(true);
    });

    test("by the official uploader, from a stream, comes back as it was", async () => {
      const { client, Bucket, fresh } = of();
      const Key = fresh();
      const Body = Readable.from(parts);
      await new Upload({ client, params: { Bucket, Key, Body } }).done();
      const got = await client.send(new s3.GetObjectCommand({ Bucket, Key }));
      expect(whole.equals(await readBytes(got))).toBe(true);
    });

    test("with CRC64NVME has the checksum of the whole object, and checks the client's", async () => {
      const { client, Bucket, fresh } = of();
      const Key = fresh();
      const upload = { Key, UploadId: await begin(Key, { ChecksumAlgorithm: "CRC64NVME" }) };
      const input = { ChecksumAlgorithm: "CRC64NVME" };
      const done: s3.CompletedPart[] = [];
      for (const [index, part] of parts.entries()) {
        done.push(await add(upload, index + 1, part, input));
      }
      const ChecksumType = "FULL_OBJECT";
      const wrong = finish(upload, done, { ChecksumType, ChecksumCRC64NVME: "AAAAAAAAAAA=" });
      await expect(wrong).rejects.toMatchObject({ name: "BadDigest" });
      const ChecksumCRC64NVME = checksumOf("CRC64NVME", whole);
      const right = await finish(upload, done, { ChecksumType, ChecksumCRC64NVME });
      expect(right).toMatchObject({ ChecksumCRC64NVME, ChecksumType });
      const head = await client.send(
        new s3.HeadObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }),
      );
      expect(head).toMatchObject({ ChecksumCRC64NVME, ChecksumType });
    });

    test("with SHA256 has a checksum of checksums, and tells its parts", async () => {
      const { client, Bucket, fresh } = of();
      const Key = fresh();
      const upload = { Key, UploadId: await begin(Key, { ChecksumAlgorithm: "SHA256" }) };
      const done: s3.CompletedPart[] = [];
      for (const [index, part] of parts.entries()) {
        done.push(await add(upload, index + 1, part, { ChecksumAlgorithm: "SHA256" }));
      }
      const digests = parts.map((part) => createHash("sha256").update(part).digest());
      const composite = `${checksumOf("SHA256", Buffer.concat(digests))}-3`;
      const result = await finish(upload, done);
      expect(result).toMatchObject({ ChecksumSHA256: composite, ChecksumType: "COMPOSITE" });
      const attributes = await client.send(
        new s3.GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: ["ObjectParts"] }),
      );
      expect(attributes.ObjectParts).toMatchObject({ TotalPartsCount: 3 });
      expect(attributes.ObjectParts?.Parts?.map(({ Size }) => Size)).toEqual(
        parts.map((part) => part.length),
      );
    });

    test("with a part too small, missing, wrong or out of order is refused and stays open", async () => {
      const { fresh } = of();
      const Key = fresh();
      const upload = { Key, UploadId: await begin(Key) };
      const first = await add(upload, 1, randomBytes(1000));
      const second = await add(upload, 2, randomBytes(1000));
      const refused = async (chosen: s3.CompletedPart[], name: string): Promise<void> => {
        await expect(finish(upload, chosen)).rejects.toMatchObject({ name });
        await missing(of(), Key);
      };
      await refused([first, second], "EntityTooSmall");
      await refused([second, first], "InvalidPartOrder");
      await refused([first, { PartNumber: 3, ETag: '"none"' }], "InvalidPart");
      await refused([{ ...first, ETag: second.ETag }], "InvalidPart");
      await refused([], "MalformedXML");
      await finish(upload, [first]);
    });

    test("is listed, part by part, until it ends", async () => {
      const { client, Bucket, fresh } = of();
      const Key = fresh();
      const UploadId = await begin(Key);
      for (const number of [3, 1, 2])
        await add({ Key, UploadId }, number, Buffer.from(`p${number}`));
      const page = await client.send(
        new s3.ListPartsCommand({ Bucket, Key, UploadId, MaxParts: 2 }),
      );
      expect(page).toMatchObject({ IsTruncated: true, NextPartNumberMarker: "2" });
      expect(page.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([
        [1, 2],
        [2, 2],
      ]);
      const uploads = await client.send(
        new s3.ListMultipartUploadsCommand({ Bucket, Prefix: Key }),
      );
      expect(uploads.Uploads?.map((upload) => upload.UploadId)).toEqual([UploadId]);
      await client.send(new s3.AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
      const after = await client.send(new s3.ListMultipartUploadsCommand({ Bucket, Prefix: Key }));
      expect(after.Uploads ?? []).toEqual([]);
      const late = add({ Key, UploadId }, 1, Buffer.from("late"));
      await expect(late).rejects.toMatchObject({ name: "NoSuchUpload" });
      const list = client.send(new s3.ListPartsCommand({ Bucket, Key, UploadId }));
      await expect(list).rejects.toMatchObject({ name: "NoSuchUpload" });
    });

    test.each([0, 10_001, -1])("takes no part number %i", async (number) => {
      const part = add(small, number, Buffer.from("x"));
      await expect(part).rejects.toMatchObject({ name: "InvalidArgument" });
    });

    test("ends only if its condition holds", async () => {
      const { client, Bucket, fresh } = of();
      const Key = fresh();
      const upload = { Key, UploadId: await begin(Key) };
      const part = await add(upload, 1, Buffer.from("part"));
      await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "first" }));
      const absent = finish(upload, [part], { IfNoneMatch: "*" });
      await expect(absent).rejects.toMatchObject({ name: "PreconditionFailed" });
      const { ETag } = await client.send(new s3.HeadObjectCommand({ Bucket, Key }));
      const other = finish(upload, [part], { IfMatch: '"other"' });
      await expect(other).rejects.toMatchObject({ name: "PreconditionFailed" });
      await finish(upload, [part], { IfMatch: ETag });
      const got = await client.send(new s3.GetObjectCommand({ Bucket, Key }));
      expect(await got.Body?.transformToString()).toBe("part");
    });

    test("takes parts from objects that are there", async () => {
      const { client, Bucket, fresh } = of();
      const [source, Key] = [fresh("src ü"), fresh()];
      await client.send(new s3.PutObjectCommand({ Bucket, Key: source, Body: parts[0]! }));
      const upload = { Key, UploadId: await begin(Key) };
      const CopySource = `${Bucket}/${encodeURIComponent(source)}`;
      const copy = async (PartNumber: number, CopySourceRange?: string): Promise<string> => {
        const { CopyPartResult } = await client.send(
          new s3.UploadPartCopyCommand({
            Bucket,
            ...upload,
            PartNumber,
            CopySource,
            CopySourceRange,
          }),
        );
        return CopyPartResult?.ETag ?? "";
      };
      const first = await copy(1);
      const second = await copy(2, "bytes=10-19");
      await expect(copy(3, "bytes=0-99999999")).rejects.toMatchObject({ name: "InvalidArgument" });
      await finish(upload, [
        { PartNumber: 1, ETag: first },
        { PartNumber: 2, ETag: second },
      ]);
      const got = await client.send(new s3.GetObjectCommand({ Bucket, Key }));
      const expected = Buffer.concat([parts[0]!, parts[0]!.subarray(10, 20)]);
      expect(expected.equals(await readBytes(got))).toBe(true);
    });
  });
}
