/** What must be refused, by the right name and with nothing stored. */
import { createHash, randomBytes } from "node:crypto";
import * as s3 from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import { CHECKSUM_ALGORITHMS, checksumHeader, checksumOf } from "../../src/checksum/checksum.ts";
import { fetchRaw, missing } from "./checks.ts";
import {
  plainChunks,
  prepare,
  presign,
  type RawAnswer,
  type RawRequest,
  send,
  signedChunks,
  transmit,
} from "./raw-request.ts";
import type { Judged } from "./target.ts";

const SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
const PLAIN_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

function withOtherByte(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = copy[at]! ^ 1;
  return copy;
}

/** The first two chunks, of 40,000 bytes each, in the wrong order. */
function swapped(wire: Buffer): Buffer {
  const size = wire.indexOf("\r\n") + 2 + 40_000 + 2;
  const [first, second] = [wire.subarray(0, size), wire.subarray(size, 2 * size)];
  return Buffer.concat([second, first, wire.subarray(2 * size)]);
}

function cutOff(wire: Buffer): Buffer {
  return wire.subarray(0, 70_000);
}

export function describeRefusals(of: () => Judged): void {
  /** Status and code of a put that must leave nothing. */
  async function refusal(raw: Omit<RawRequest, "key" | "method">): Promise<string> {
    const { target, fresh } = of();
    const key = fresh();
    const answer = await send(target, { method: "PUT", key, body: Buffer.from("body"), ...raw });
    await missing(of(), key);
    return `${answer?.status} ${answer?.code}`;
  }

  describe("a request is refused", () => {
    test("signed with the wrong secret", async () => {
      expect(await refusal({ secret: "wrong" })).toBe("403 SignatureDoesNotMatch");
    });

    test("signed by nobody we know", async () => {
      expect(await refusal({ accessKeyId: "AKIANOBODYKNOWSTHIS0" })).toBe("403 InvalidAccessKeyId");
    });

    test("not signed at all", async () => {
      const { target, fresh } = of();
      const url = `${target.endpoint}/${target.bucket}/${fresh()}`;
      const answer = await fetchRaw(url, { method: "PUT", body: "x" });
      expect(answer.status).toBe(403);
      expect(answer.text).toContain("<Code>AccessDenied</Code>");
    });

    test("replayed a day later, or from a clock that is far ahead", async () => {
      const day = 86_400_000;
      expect(await refusal({ at: new Date(Date.now() - day) })).toBe("403 RequestTimeTooSkewed");
      expect(await refusal({ at: new Date(Date.now() + day) })).toBe("403 RequestTimeTooSkewed");
    });

    test("signed for another region, and told the right one", async () => {
      const { target, fresh } = of();
      const answer = await send(target, { method: "GET", key: fresh(), region: "mars-1" });
      expect(answer).toMatchObject({ status: 400, code: "AuthorizationHeaderMalformed" });
      expect(answer?.body).toContain(`<Region>${target.region}</Region>`);
    });

    test("with a header of meaning that is not under the signature", async () => {
      const unsignedHeaders = { "x-amz-meta-added": "later" };
      expect(await refusal({ unsignedHeaders })).toBe("403 AccessDenied");
    });

    test("whose body is not the one that was signed", async () => {
      const payloadHash = createHash("sha256").update("another").digest("hex");
      expect(await refusal({ payloadHash })).toBe("400 XAmzContentSHA256Mismatch");
    });

    test("with a wrong or malformed Content-MD5", async () => {
      const md5 = createHash("md5").update("another").digest("base64");
      expect(await refusal({ headers: { "content-md5": md5 } })).toBe("400 BadDigest");
      expect(await refusal({ headers: { "content-md5": "short" } })).toBe("400 InvalidDigest");
    });

    test.each(CHECKSUM_ALGORITHMS)("with a wrong or malformed %s", async (algorithm) => {
      const name = checksumHeader(algorithm);
      const value = checksumOf(algorithm, Buffer.from("another"));
      expect(await refusal({ headers: { [name]: value } })).toBe("400 BadDigest");
      expect(await refusal({ headers: { [name]: "no checksum" } })).toBe("400 InvalidRequest");
    });

    test("with two checksums, or one announced and not sent", async () => {
      const body = Buffer.from("body");
      const both = {
        "x-amz-checksum-crc32": checksumOf("CRC32", body),
        "x-amz-checksum-sha1": checksumOf("SHA1", body),
      };
      expect(await refusal({ headers: both })).toBe("400 InvalidRequest");
      const announced = { "x-amz-sdk-checksum-algorithm": "CRC32" };
      expect(await refusal({ headers: announced })).toBe("400 InvalidRequest");
    });

    test("whose body ends before its announced length", async () => {
      const { target, fresh } = of();
      for (const size of [1000, 3_000_000]) {
        const key = fresh();
        const body = randomBytes(size);
        const raw = { method: "PUT", key, body, stopAfterBytes: size - 100 };
        expect(await send(target, raw)).toBeNull();
        await missing(of(), key);
      }
    });

    test("larger than what fits into one request", async () => {
      const { target, fresh } = of();
      const key = fresh();
      const headers = { "content-length": String(6 * 1024 ** 3), expect: "100-continue" };
      const prepared = prepare(target, { method: "PUT", key, payloadHash: "UNSIGNED-PAYLOAD" });
      const answer = await transmit(
        target,
        { ...prepared, headers: { ...prepared.headers, ...headers } },
        { method: "PUT", stopAfterBytes: undefined as unknown as number, body: Buffer.alloc(0) },
      );
      expect(answer).toMatchObject({ code: "EntityTooLarge", status: 400 });
    });
  });

  describe("a body in chunks", () => {
    const chunks = [randomBytes(70_000), randomBytes(10_000)];
    const content = Buffer.concat(chunks);
    const crc32c = checksumOf("CRC32C", content);
    const trailer = [["x-amz-checksum-crc32c", crc32c]] as const;

    /** Sends chunks after `change` has had its way with the wire. */
    async function sendChunks(
      payloadHash: string,
      more: {
        readonly trailer?: readonly (readonly [string, string])[];
        readonly announced?: string;
        readonly pieces?: readonly Buffer[];
        readonly decodedBytes?: number;
        readonly change?: (wire: Buffer) => Buffer;
      } = {},
    ): Promise<{ readonly answer: RawAnswer | null; readonly key: string }> {
      const { target, fresh } = of();
      const key = fresh();
      const announced = more.announced ?? more.trailer?.[0]?.[0];
      const raw = {
        method: "PUT",
        key,
        payloadHash,
        headers: {
          "content-encoding": "aws-chunked",
          "x-amz-decoded-content-length": String(more.decodedBytes ?? content.length),
          ...(announced === undefined ? {} : { "x-amz-trailer": announced }),
        },
      };
      const prepared = prepare(target, raw);
      const pieces = more.pieces ?? chunks;
      const wire =
        payloadHash === PLAIN_TRAILER
          ? plainChunks(pieces, more.trailer ?? [])
          : signedChunks(prepared.seed, pieces, more.trailer);
      const body = more.change?.(wire) ?? wire;
      return { answer: await transmit(target, prepared, { method: "PUT", body }), key };
    }

    async function stored(key: string): Promise<void> {
      const { client, Bucket } = of();
      const got = await client.send(new s3.GetObjectCommand({ Bucket, Key: key }));
      const bytes = (await got.Body?.transformToByteArray()) ?? new Uint8Array();
      expect(content.equals(bytes)).toBe(true);
      expect(got.ContentEncoding).toBeUndefined();
    }

    test.each([
      ["signed", SIGNED, []],
      ["signed, with a signed trailer", SIGNED_TRAILER, trailer],
      ["unsigned, with a trailer", PLAIN_TRAILER, trailer],
    ] as const)("%s, is stored without its framing", async (_, payloadHash, lines) => {
      const { answer, key } = await sendChunks(payloadHash, { trailer: lines });
      expect(answer).toMatchObject({ status: 200 });
      await stored(key);
    });

    test.each([
      ["a changed byte in the first chunk", (wire: Buffer) => withOtherByte(wire, 5000)],
      [
        "a changed byte in the last chunk",
        (wire: Buffer) => withOtherByte(wire, wire.length - 500),
      ],
      ["a changed signature", (wire: Buffer) => withOtherByte(wire, 25)],
      [
        "no signature",
        (wire: Buffer) =>
          Buffer.concat([Buffer.from("11170\r\n"), wire.subarray(wire.indexOf("\r\n") + 2)]),
      ],
    ])("signed, with %s is refused", async (_, change) => {
      const { answer, key } = await sendChunks(SIGNED, { change });
      expect(answer).toMatchObject({ code: "SignatureDoesNotMatch", status: 403 });
      await missing(of(), key);
    });

    test("with its chunks in another order is refused", async () => {
      const pieces = [randomBytes(40_000), randomBytes(40_000)];
      const { answer, key } = await sendChunks(SIGNED, { pieces, change: swapped });
      expect(answer).toMatchObject({ code: "SignatureDoesNotMatch" });
      await missing(of(), key);
    });

    test("with a trailer changed after signing is refused", async () => {
      const other = checksumOf("CRC32C", Buffer.from("other"));
      const change = (wire: Buffer): Buffer =>
        Buffer.from(wire.toString("latin1").replace(crc32c, other), "latin1");
      const { answer, key } = await sendChunks(SIGNED_TRAILER, { trailer, change });
      expect(answer?.code).toMatch(/^SignatureDoesNotMatch$/u);
      await missing(of(), key);
    });

    test.each(CHECKSUM_ALGORITHMS)(
      "with a wrong %s in the trailer is refused",
      async (algorithm) => {
        const wrong = [
          [checksumHeader(algorithm), checksumOf(algorithm, Buffer.from("no"))],
        ] as const;
        for (const payloadHash of [PLAIN_TRAILER, SIGNED_TRAILER]) {
          const { answer, key } = await sendChunks(payloadHash, { trailer: wrong });
          expect(answer).toMatchObject({ code: "BadDigest", status: 400 });
          await missing(of(), key);
        }
      },
    );

    test("without the trailer it announced is refused", async () => {
      const announced = "x-amz-checksum-crc32c";
      const { answer, key } = await sendChunks(PLAIN_TRAILER, { announced });
      expect(answer).toMatchObject({ code: "MalformedTrailerError", status: 400 });
      await missing(of(), key);
    });

    test("of another length than announced is refused", async () => {
      for (const decodedBytes of [content.length - 1, content.length + 1]) {
        const { answer, key } = await sendChunks(PLAIN_TRAILER, { trailer, decodedBytes });
        expect(answer).toMatchObject({ code: "IncompleteBody", status: 400 });
        await missing(of(), key);
      }
    });

    test("with a small chunk before the last is refused", async () => {
      const pieces = [chunks[1]!.subarray(0, 100), chunks[0]!, chunks[1]!.subarray(100)];
      const { answer, key } = await sendChunks(PLAIN_TRAILER, { trailer, pieces });
      expect(answer).toMatchObject({ code: "InvalidChunkSizeError", status: 403 });
      await missing(of(), key);
    });

    test("cut off before its last chunk is refused", async () => {
      const { answer, key } = await sendChunks(PLAIN_TRAILER, { trailer, change: cutOff });
      expect(answer).toMatchObject({ code: "IncompleteBody", status: 400 });
      await missing(of(), key);
    });
  });

  describe("a link", () => {
    test("that has expired, is for another method, key or secret, opens nothing", async () => {
      const { target, client, Bucket, fresh } = of();
      const [key, other] = [fresh(), fresh()];
      await client.send(new s3.PutObjectCommand({ Bucket, Key: key, Body: "x" }));
      const at = new Date(Date.now() - 120_000);
      const expired = await fetchRaw(presign(target, { method: "GET", key, at, expiresS: 60 }));
      expect(expired).toMatchObject({ status: 403 });
      expect(expired.text).toContain("Request has expired");
      const link = presign(target, { method: "GET", key });
      const moved = link.replace(key.slice(-11), other.slice(-11));
      expect((await fetchRaw(moved)).status).toBe(403);
      expect((await fetchRaw(link, { method: "DELETE" })).status).toBe(403);
      expect((await fetchRaw(link.replace("X-Amz-Expires=60", "X-Amz-Expires=600"))).status).toBe(
        403,
      );
      const wrong = presign(target, { method: "GET", key, secret: "wrong" });
      expect((await fetchRaw(wrong)).text).toContain("SignatureDoesNotMatch");
      const long = presign(target, { method: "GET", key, expiresS: 604_801 });
      expect((await fetchRaw(long)).text).toContain("AuthorizationQueryParametersError");
    });
  });
}
