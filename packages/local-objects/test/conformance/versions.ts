/** Buckets that keep versions. */
import * as s3 from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import type { Judged } from "./target.ts";

/** `isAvailable` false skips them by name. */
export function describeVersions(of: () => Judged, isAvailable: boolean): void {
  function scene(): { client: s3.S3Client; Bucket: string; Key: string } {
    const { client, target, fresh } = of();
    return { client, Bucket: target.versionedBucket ?? "", Key: fresh() };
  }

  async function put(Key: string, Body: string): Promise<string> {
    const { client, target } = of();
    const Bucket = target.versionedBucket ?? "";
    const { VersionId = "" } = await client.send(new s3.PutObjectCommand({ Bucket, Key, Body }));
    return VersionId;
  }

  async function read(Key: string, VersionId?: string): Promise<string | undefined> {
    const { client, target } = of();
    const Bucket = target.versionedBucket ?? "";
    const got = await client.send(new s3.GetObjectCommand({ Bucket, Key, VersionId }));
    return got.Body?.transformToString();
  }

  describe.skipIf(!isAvailable)("versions (needs a bucket that keeps them)", () => {
    test("are kept when an object is overwritten, and read by their ids", async () => {
      const { Key } = scene();
      const [first, second] = [await put(Key, "1"), await put(Key, "2")];
      expect(first).not.toBe(second);
      await expect(read(Key)).resolves.toBe("2");
      await expect(read(Key, first)).resolves.toBe("1");
    });

    test("stay below a delete marker, whose removal brings the object back", async () => {
      const { client, Bucket, Key } = scene();
      const first = await put(Key, "kept");
      const marker = await client.send(new s3.DeleteObjectCommand({ Bucket, Key }));
      expect(marker.DeleteMarker).toBe(true);
      await expect(read(Key)).rejects.toMatchObject({ name: "NoSuchKey" });
      await expect(read(Key, first)).resolves.toBe("kept");
      const { VersionId } = marker;
      const ofMarker = client.send(new s3.GetObjectCommand({ Bucket, Key, VersionId }));
      await expect(ofMarker).rejects.toMatchObject({ name: "MethodNotAllowed" });
      await client.send(new s3.DeleteObjectCommand({ Bucket, Key, VersionId }));
      await expect(read(Key)).resolves.toBe("kept");
    });

    test("are removed one by one, the one before becoming current", async () => {
      const { client, Bucket, Key } = scene();
      await put(Key, "1");
      const VersionId = await put(Key, "2");
      await client.send(new s3.DeleteObjectCommand({ Bucket, Key, VersionId }));
      await expect(read(Key)).resolves.toBe("1");
      const gone = read(Key, VersionId);
      await expect(gone).rejects.toMatchObject({ name: "NoSuchVersion" });
      const odd = read(Key, "no version id");
      await expect(odd).rejects.toMatchObject({ name: "InvalidArgument" });
    });

    test("are listed with their markers, the newest first, page by page", async () => {
      const { client, Bucket, Key } = scene();
      const other = `${Key}-other`;
      const [first, second] = [await put(Key, "1"), await put(Key, "2")];
      const { VersionId: marker } = await client.send(new s3.DeleteObjectCommand({ Bucket, Key }));
      const third = await put(other, "3");
      const seen: (string | undefined)[] = [];
      let markers: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {};
      for (;;) {
        const page: s3.ListObjectVersionsCommandOutput = await client.send(
          new s3.ListObjectVersionsCommand({ Bucket, Prefix: Key, MaxKeys: 1, ...markers }),
        );
        seen.push(
          ...[...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map((v) => v.VersionId),
        );
        if (page.IsTruncated !== true) break;
        markers = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
      }
      expect(seen).toEqual([marker, second, first, third]);
      const listed = await client.send(new s3.ListObjectsV2Command({ Bucket, Prefix: Key }));
      expect(listed.Contents?.map((entry) => entry.Key)).toEqual([other]);
    });

    test("deleted in a batch leave markers or go for good, as asked", async () => {
      const { client, Bucket, Key } = scene();
      const VersionId = await put(Key, "1");
      const marked = await client.send(
        new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }] } }),
      );
      expect(marked.Deleted?.[0]).toMatchObject({ Key, DeleteMarker: true });
      await client.send(
        new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key, VersionId }] } }),
      );
      await expect(read(Key, VersionId)).rejects.toMatchObject({ name: "NoSuchVersion" });
    });

    test("the bucket says that it keeps them", async () => {
      const { client, Bucket } = scene();
      const { Status } = await client.send(new s3.GetBucketVersioningCommand({ Bucket }));
      expect(Status).toBe("Enabled");
    });
  });
}
