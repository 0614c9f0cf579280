import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { startLocalS3 } from "../src/index.ts";
import { clientOf, scratchDirectory, scratchServer } from "./scratch.ts";

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
