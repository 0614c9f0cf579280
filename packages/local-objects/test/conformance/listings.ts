/** Listings: order, pages, prefixes, delimiters, markers. */
import * as s3 from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, test } from "vitest";
import type { Judged } from "./target.ts";

/** In the order of their UTF-8 bytes: U+FF5E is before U+1F600, unlike in JavaScript. */
const NAMES = [
  " space",
  "+plus",
  "A",
  "a",
  "a.b",
  "a/",
  "a/1",
  "a/2",
  "a/b/3",
  "a0",
  "b/4",
  "c",
  "é",
  "～",
  "😀",
];

export function describeListings(of: () => Judged): void {
  describe("a listing", () => {
    let prefix = "";

    beforeAll(async () => {
      const { client, Bucket, fresh } = of();
      prefix = fresh("list/");
      for (const name of NAMES) {
        await client.send(new s3.PutObjectCommand({ Bucket, Key: prefix + name, Body: name }));
      }
    }, 60_000);

    async function list(
      input: Partial<s3.ListObjectsV2CommandInput>,
    ): Promise<s3.ListObjectsV2CommandOutput> {
      const { client, Bucket } = of();
      return client.send(new s3.ListObjectsV2Command({ Bucket, Prefix: prefix, ...input }));
    }

    function names(output: {
      readonly Contents?: readonly s3._Object[] | undefined;
      readonly CommonPrefixes?: readonly s3.CommonPrefix[] | undefined;
    }): readonly string[] {
      const keys = output.Contents?.map(({ Key = "" }) => Key) ?? [];
      const prefixes = output.CommonPrefixes?.map(({ Prefix = "" }) => Prefix) ?? [];
      return [...keys, ...prefixes].map((key) => key.slice(prefix.length));
    }

    test("is in the order of the keys' UTF-8 bytes", async () => {
      const all = await list({});
      expect(names(all)).toEqual(NAMES);
      expect(all).toMatchObject({ KeyCount: NAMES.length, IsTruncated: false });
    });

    test.each([1, 2, 4, 7])(
      "in pages of %i is complete and without repetition",
      async (MaxKeys) => {
        const seen: string[] = [];
        let token: string | undefined;
        do {
          const page = await list({ MaxKeys, ContinuationToken: token });
          expect(page.Contents?.length).toBeLessThanOrEqual(MaxKeys);
          seen.push(...names(page));
          token = page.NextContinuationToken;
          expect(page.IsTruncated).toBe(token !== undefined);
        } while (token !== undefined);
        expect(seen).toEqual(NAMES);
      },
    );

    test("with a delimiter groups what is below, also over pages", async () => {
      const whole = await list({ Delimiter: "/" });
      expect(whole.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual([
        `${prefix}a/`,
        `${prefix}b/`,
      ]);
      const flat = NAMES.filter((name) => !name.includes("/"));
      expect(whole.Contents?.map(({ Key = "" }) => Key.slice(prefix.length))).toEqual(flat);
      const seen: string[] = [];
      let token: string | undefined;
      do {
        const page = await list({ Delimiter: "/", MaxKeys: 2, ContinuationToken: token });
        seen.push(...names(page));
        token = page.NextContinuationToken;
      } while (token !== undefined);
      expect(seen.toSorted()).toEqual([...flat, "a/", "b/"].toSorted());
    });

    test("below a prefix shows that alone", async () => {
      const below = await list({ Prefix: `${prefix}a/` });
      expect(names(below)).toEqual(["a/", "a/1", "a/2", "a/b/3"]);
      expect(names(await list({ Prefix: `${prefix}nothing` }))).toEqual([]);
    });

    test("after a key begins behind it, whether the key exists or not", async () => {
      expect(names(await list({ StartAfter: `${prefix}b/4` }))).toEqual(["c", "é", "～", "😀"]);
      expect(names(await list({ StartAfter: `${prefix}b/5` }))).toEqual(["c", "é", "～", "😀"]);
      expect(names(await list({ StartAfter: `${prefix}\u{1F601}` }))).toEqual([]);
    });

    test("of no keys at all is empty and not truncated", async () => {
      const none = await list({ MaxKeys: 0 });
      expect(none).toMatchObject({ KeyCount: 0, IsTruncated: false });
    });

    test("in the old form goes on by marker", async () => {
      const { client, Bucket } = of();
      const seen: string[] = [];
      let Marker: string | undefined;
      for (;;) {
        const page: s3.ListObjectsCommandOutput = await client.send(
          new s3.ListObjectsCommand({ Bucket, Prefix: prefix, MaxKeys: 4, Marker }),
        );
        seen.push(...names(page));
        if (page.IsTruncated !== true) break;
        Marker = page.NextMarker ?? page.Contents?.at(-1)?.Key;
      }
      expect(seen).toEqual(NAMES);
    });

    test("tells size, ETag and time of each", async () => {
      const [first] = (await list({ Prefix: `${prefix}c` })).Contents ?? [];
      expect(first).toMatchObject({
        Size: 1,
        ETag: '"4a8a08f09d37b73795649038408b5f33"',
        StorageClass: "STANDARD",
      });
      expect(first?.LastModified?.getTime()).toBeGreaterThan(Date.now() - 3_600_000);
    });

    test("with a broken token or encoding is refused", async () => {
      const broken = list({ ContinuationToken: "?" });
      await expect(broken).rejects.toMatchObject({ name: "InvalidArgument" });
      const odd = list({ EncodingType: "base64" as "url" });
      await expect(odd).rejects.toMatchObject({ name: "InvalidArgument" });
    });
  });
}
