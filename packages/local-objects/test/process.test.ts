import { createHash, randomBytes } from "node:crypto";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { expect, onTestFinished, test, vi } from "vitest";
import { type SpawnedS3, type SpawnOptions, spawnLocalS3 } from "../src/index.ts";
import { scratchDirectory, SIGNER } from "./scratch.ts";

const Bucket = "receipts";

async function spawned(options: Partial<SpawnOptions> = {}): Promise<SpawnedS3> {
  const server = await spawnLocalS3({
    directory: options.directory ?? (await scratchDirectory()),
    port: 0,
    credentials: [SIGNER],
    ...options,
  });
  onTestFinished(async () => server.kill());
  return server;
}

function clientFor({ endpoint }: SpawnedS3): S3Client {
  const client = new S3Client({
    endpoint,
    region: "us-east-1",
    credentials: SIGNER,
    forcePathStyle: true,
    maxAttempts: 1,
  });
  onTestFinished(() => client.destroy());
  return client;
}

test("a server of its own process serves, is steered, and stops", async () => {
  const server = await spawned({ queues: { port: 0, names: ["changes"] } });
  const client = clientFor(server);
  await client.send(new CreateBucketCommand({ Bucket }));
  await server.setFaults([
    { effect: { kind: "error", code: "SlowDown" }, operations: ["PutObject"] },
  ]);
  const put = client.send(new PutObjectCommand({ Bucket, Key: "a", Body: "x" }));
  await expect(put).rejects.toMatchObject({ name: "SlowDown" });
  expect(await server.counters()).toMatchObject({ PutObject: { requests: 1 } });
  await server.setQueueFaults("changes", { duplicateShare: 0, lossShare: 0, reorderWindow: 3 });
  const odd = server.setFaults([{ effect: { kind: "explode" } as never }]);
  await expect(odd).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: expect.stringContaining("faults[0].effect.kind"),
  });
  const stranger = await fetch(`${server.controlEndpoint}/counters`);
  expect(stranger.status).toBe(401);
  await server.stop();
  await server.exited;
  await expect(fetch(server.endpoint)).rejects.toThrow("fetch failed");
});

test("a taken port and a directory in use are refused by name", async () => {
  const directory = await scratchDirectory();
  const { endpoint } = await spawned({ directory });
  const port = Number(new URL(endpoint).port);
  await expect(spawned({ port })).rejects.toMatchObject({ code: "PORT_TAKEN" });
  await expect(spawned({ directory })).rejects.toMatchObject({
    code: "STATE_UNAVAILABLE",
    message: expect.stringContaining("another server runs on"),
  });
});

test.skipIf(!existsSync("/proc/self/cmdline"))("secrets are in no process list", async () => {
  const server = await spawned();
  for (const name of ["cmdline", "environ"]) {
    const text = readFileSync(`/proc/${server.pid}/${name}`, "utf8");
    expect(text).not.toContain(SIGNER.secretAccessKey);
  }
});

const LAUNCHERS = {
  s3: `const server = await spawnLocalS3({ directory: DIRECTORY, port: 0, credentials: [SIGNER] });`,
  Azurite: `const server = await startAzurite({ directory: null, blobPort: 0 });`,
};

test.each(Object.entries(LAUNCHERS))("%s dies with whoever started it", async (_, start) => {
  const directory = await scratchDirectory();
  const script = `
    import { spawnLocalS3, startAzurite } from ${JSON.stringify(join(import.meta.dirname, "../src/index.ts"))};
    const DIRECTORY = ${JSON.stringify(directory)};
    const SIGNER = { accessKeyId: "a", secretAccessKey: "b" };
    ${start}
    console.log(server.pid);
    setInterval(() => undefined, 1000);`;
  const parent = spawn(process.execPath, ["--input-type=module-typescript", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void parent.kill("SIGKILL"));
  const [line] = (await once(createInterface({ input: parent.stdout }), "line")) as [string];
  const pid = Number(line);
  expect(isAlive(pid)).toBe(true);
  parent.kill("SIGKILL");
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 20_000 });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** What a client was promised: bodies by key, and keys that may or may not be there. */
interface Promises {
  readonly stored: Map<string, string>;
  readonly unsure: Set<string>;
}

/** Stores, overwrites and deletes until the server is gone. */
async function writeUntilGone(client: S3Client, writer: number, made: Promises): Promise<void> {
  for (let count = 0; ; count += 1) {
    const Key = `${writer}/${count % 40}`;
    const isDelete = count % 7 === 6;
    const Body = isDelete ? Buffer.alloc(0) : randomBytes(count % 3 === 0 ? 400_000 : 500);
    try {
      await (isDelete
        ? client.send(new DeleteObjectCommand({ Bucket, Key }))
        : client.send(new PutObjectCommand({ Bucket, Key, Body })));
    } catch {
      made.unsure.add(Key);
      return;
    }
    if (isDelete) made.stored.delete(Key);
    else made.stored.set(Key, createHash("md5").update(Body).digest("hex"));
  }
}

/** Reads everything back and says what is not as it was promised. */
async function broken(client: S3Client, { stored, unsure }: Promises): Promise<readonly string[]> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
  const listed = new Map(Contents.map(({ Key = "", ETag }) => [Key, ETag?.replaceAll('"', "")]));
  const problems: string[] = [];
  for (const [key, etag] of listed) {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: key }));
    const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
    const md5 = createHash("md5").update(bytes).digest("hex");
    if (md5 !== etag) problems.push(`${key} is half of something`);
    if (!unsure.has(key) && md5 !== stored.get(key)) problems.push(`${key} is another object`);
  }
  for (const key of stored.keys()) {
    if (!listed.has(key) && !unsure.has(key)) problems.push(`${key} is gone`);
  }
  return problems;
}

test("killed in the middle of writes, it has all it acknowledged, whole, and no rubbish", {
  timeout: 120_000,
}, async () => {
  const directory = await scratchDirectory();
  const made: Promises = { stored: new Map(), unsure: new Set() };
  for (let round = 0; round < 5; round += 1) {
    const server = await spawned({ directory });
    const client = clientFor(server);
    if (round === 0) await client.send(new CreateBucketCommand({ Bucket }));
    expect(await broken(client, made)).toEqual([]);
    const before = (await server.counters())["PutObject"]?.requests ?? 0;
    const writing = [0, 1, 2, 3].map(async (writer) => writeUntilGone(client, writer, made));
    const target = before + 30 + round * 17;
    while (((await server.counters())["PutObject"]?.requests ?? 0) < target) {
      // Asking is the wait.
    }
    await server.kill();
    await Promise.all(writing);
  }
  const last = await spawned({ directory });
  const client = clientFor(last);
  expect(await broken(client, made)).toEqual([]);
  const { KeyCount } = await client.send(new ListObjectsV2Command({ Bucket }));
  const files = (await readdir(join(directory, "objects"), { recursive: true })).filter((name) =>
    /\/\d+$/u.test(name),
  );
  expect(files).toHaveLength(KeyCount ?? -1);
  expect(readdirSync(directory).toSorted()).toEqual(["journal.jsonl", "objects"]);
});
