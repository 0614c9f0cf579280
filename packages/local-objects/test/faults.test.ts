import { createHash } from "node:crypto";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import type { Fault, LocalS3 } from "../src/index.ts";
import { presign } from "./conformance/raw-request.ts";
import { clientOf, scratchServer, SIGNER } from "./scratch.ts";

const Bucket = "receipts";
const BODY = Buffer.alloc(700_000, "body");

interface Scene {
  readonly server: LocalS3;
  readonly client: S3Client;
}

async function scene(): Promise<Scene> {
  const server = await scratchServer();
  const client = clientOf(server, { responseChecksumValidation: "WHEN_REQUIRED" });
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(new PutObjectCommand({ Bucket, Key: "a", Body: BODY }));
  return { server, client };
}

/** Reads the object as anybody would, without a client that checks. */
async function download({ server }: Scene): Promise<Buffer> {
  const target = {
    endpoint: server.endpoint,
    region: server.region,
    bucket: Bucket,
    versionedBucket: null,
    credentials: SIGNER,
    close: async () => undefined,
  };
  const answer = await fetch(presign(target, { method: "GET", key: "a" }));
  return Buffer.from(await answer.arrayBuffer());
}

async function put({ client }: Scene, Key: string): Promise<unknown> {
  return client.send(new PutObjectCommand({ Bucket, Key, Body: "x" }));
}

async function keys({ client }: Scene, input: object = {}): Promise<readonly string[]> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, ...input }));
  return Contents.map(({ Key = "" }) => Key);
}

describe("a fault", () => {
  test("of an error strikes the operations it names, as often as it says, and is counted", async () => {
    const all = await scene();
    const effect = { kind: "error", code: "SlowDown" } as const;
    all.server.faults.set([{ effect, operations: ["PutObject"], skip: 1, times: 2 }]);
    await put(all, "1");
    for (const key of ["2", "3"]) {
      await expect(put(all, key)).rejects.toMatchObject({
        name: "SlowDown",
        $metadata: { httpStatusCode: 503 },
      });
    }
    await put(all, "4");
    expect(await keys(all)).toEqual(["1", "4", "a"]);
    expect(all.server.faults.report()).toMatchObject([{ struck: 2 }]);
    expect(all.server.counters.report()["PutObject"]).toEqual({
      requests: 5,
      errors: { SlowDown: 2 },
    });
  });

  test("with a share strikes that share", async () => {
    const draws = [0.1, 0.9, 0.2, 0.8];
    const server = await scratchServer({ random: () => draws.shift() ?? 0.9 });
    const all = { server, client: clientOf(server) };
    await all.client.send(new CreateBucketCommand({ Bucket }));
    const effect = { kind: "error", code: "SlowDown" } as const;
    server.faults.set([{ effect, share: 0.5, keyPrefix: "k" }]);
    const outcomes = [];
    for (const key of ["k1", "k2", "k3", "k4", "other"]) {
      outcomes.push(await put(all, key).then(...["stored", "failed"].map((word) => () => word)));
    }
    expect(outcomes).toEqual(["failed", "stored", "failed", "stored", "stored"]);
  });

  test.each([{ kind: "refuse" }, { kind: "lose-answer" }] as const)(
    "$kind leaves the client without an answer",
    async (effect) => {
      const all = await scene();
      all.server.faults.set([{ effect, operations: ["PutObject"] }]);
      await expect(put(all, "b")).rejects.toThrow(/ECONNRESET|socket hang up/u);
      expect(await keys(all)).toEqual(effect.kind === "refuse" ? ["a"] : ["a", "b"]);
    },
  );

  test("hang never answers, and lets go when the client does", async () => {
    const all = await scene();
    all.server.faults.set([{ effect: { kind: "hang" }, operations: ["GetObject"] }]);
    const leaving = new AbortController();
    const get = all.client.send(new GetObjectCommand({ Bucket, Key: "a" }), {
      abortSignal: leaving.signal,
    });
    leaving.abort();
    await expect(get).rejects.toMatchObject({ name: "AbortError" });
    expect(await keys(all)).toEqual(["a"]);
  });

  test.each<readonly [Fault["effect"], number]>([
    [{ kind: "truncate", afterBytes: 300_000 }, 300_000],
    [{ kind: "drop", afterBytes: 300_000 }, 300_000],
    [{ kind: "truncate", afterBytes: 0 }, 0],
  ])("$0.kind ends the body early, which a reader notices", async (effect) => {
    const all = await scene();
    all.server.faults.set([{ effect, operations: ["GetObject"] }]);
    await expect(download(all)).rejects.toThrow(/./u);
    all.server.faults.set([]);
    expect(BODY.equals(await download(all))).toBe(true);
  });

  test("shorten looks complete and is not; corrupt is complete and wrong", async () => {
    const all = await scene();
    const operations = ["GetObject"];
    all.server.faults.set([{ effect: { kind: "shorten", byBytes: 1000 }, operations }]);
    const short = await download(all);
    expect(short.equals(BODY.subarray(0, BODY.length - 1000))).toBe(true);
    all.server.faults.set([{ effect: { kind: "corrupt" }, operations }]);
    const wrong = await download(all);
    expect(wrong).toHaveLength(BODY.length);
    expect(createHash("md5").update(wrong).digest("hex")).not.toBe(
      createHash("md5").update(BODY).digest("hex"),
    );
  });

  test("of a listing shows nothing, the wrong order, or fails on the page it is told to", async () => {
    const all = await scene();
    for (const key of ["b", "c", "d"]) await put(all, key);
    const operations = ["ListObjectsV2"];
    all.server.faults.set([{ effect: { kind: "list-empty" }, operations }]);
    expect(await keys(all)).toEqual([]);
    all.server.faults.set([{ effect: { kind: "list-reversed" }, operations }]);
    expect(await keys(all)).toEqual(["d", "c", "b", "a"]);
    const effect = { kind: "error", code: "InternalError" } as const;
    all.server.faults.set([{ effect, operations, skip: 1 }]);
    expect(await keys(all, { MaxKeys: 2 })).toEqual(["a", "b"]);
    await expect(keys(all, { MaxKeys: 2 })).rejects.toMatchObject({ name: "InternalError" });
  });

  test("of a delay changes nothing but the time", async () => {
    const all = await scene();
    all.server.faults.set([{ effect: { kind: "delay", delayMs: 1 } }]);
    expect(await keys(all)).toEqual(["a"]);
  });
});
