/** What `cloudphoenix sync` copied, judged by rclone reading every byte of both sides. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Azurite, type SpawnedS3, spawnLocalS3, startAzurite } from "../../src/index.ts";
import { SIGNER } from "../scratch.ts";
import { Rclone, rcloneAvailable } from "./rclone.ts";

const REGION = "eu-west-1";
const CLI = join(import.meta.dirname, "../../../../apps/cli/bin/cloudphoenix.js");
const FILES: Readonly<Record<string, number>> = {
  "plain.txt": 10,
  empty: 0,
  "with space": 100,
  "plus+percent%41%": 100,
  "ünï/çødé ～": 100,
  "emoji 😀": 100,
  "quote'\"<&>;,=@$!()*~": 100,
  "deep/er/and/deeper/x": 1_000,
  "?query#fragment": 100,
  "eight MiB": 8 * 1024 * 1024,
  "in parts": 20_000_001,
};

describe.skipIf(!rcloneAvailable())("what sync copied, judged by rclone", () => {
  let root = "";
  let s3: SpawnedS3;
  let azurite: Azurite;
  let rclone: Rclone;
  let files = "";
  let count = 0;
  let primary = "";
  let standby = "";

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "sync-rclone-"));
    const directory = join(root, "s3");
    s3 = await spawnLocalS3({ directory, port: 0, region: REGION, credentials: [SIGNER] });
    azurite = await startAzurite({ directory: join(root, "azurite"), blobPort: 0 });
    const { endpoint } = s3;
    rclone = await Rclone.open({ endpoint, region: REGION, credentials: SIGNER }, azurite);
    const { accessKeyId, secretAccessKey } = SIGNER;
    await writeFile(
      join(root, "s3.keys"),
      `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
    );
    await writeFile(join(root, "blob.key"), azurite.accountKey);
    files = join(root, "files");
    for (const [name, bytes] of Object.entries(FILES)) await write(name, bytes);
  });

  beforeEach(async () => {
    count += 1;
    [primary, standby] = [`primary:bucket-${count}`, `standby:container-${count}`];
    await rclone.must("mkdir", primary);
    await rclone.must("mkdir", standby);
  });

  afterAll(async () => {
    await rclone.close();
    await Promise.all([s3.stop(), azurite.stop()]);
    await rm(root, { recursive: true, force: true });
  });

  test("S3 to Blob, changed, shrunk by deletes, and home again into an empty bucket", async () => {
    await rclone.must("copy", files, primary);
    await sync(bucket(), container());
    expect(await rclone.differences(primary, standby)).toEqual([]);

    await rclone.must("deletefile", `${primary}/plain.txt`);
    await write("with space", 55);
    await rclone.must("copy", files, primary, "--include", "with space", "--ignore-times");
    await sync("--delete", "--delete-after", "0s", bucket(), container());
    expect(await rclone.differences(primary, standby)).toEqual([]);

    await rclone.must("mkdir", `primary:home-${count}`);
    await sync(container(), bucket(`home-${count}`));
    expect(await rclone.differences(standby, `primary:home-${count}`)).toEqual([]);
    await sync("--verify", "--read-everything", bucket(), bucket(`home-${count}`));
  });

  test("Blob to S3, written by rclone, one prefix into another", async () => {
    await rclone.must("copy", files, `${standby}/from/here`);
    await sync(container().replace("?", "/from/here?"), bucket().replace("?", "/to/there?"));
    expect(await rclone.differences(`${standby}/from/here`, `${primary}/to/there`)).toEqual([]);
  });

  async function write(name: string, bytes: number): Promise<void> {
    const path = join(files, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, randomBytes(bytes));
  }

  function bucket(name = `bucket-${count}`): string {
    return `s3://${name}?region=${REGION}&endpoint=${s3.endpoint}&credentials-file=${root}/s3.keys`;
  }

  function container(): string {
    return `azblob://${azurite.accountName}/container-${count}?endpoint=${azurite.blobEndpoint}&credentials-file=${root}/blob.key`;
  }

  /** @throws {Error} with what it said, if its exit code is not 0 */
  async function sync(...args: readonly string[]): Promise<void> {
    const command = [CLI, "sync", "--quiet", "--state-dir", join(root, "state"), ...args];
    const { code, said } = await new Promise<{ code: unknown; said: string }>((resolve) => {
      execFile(process.execPath, command, { timeout: 100_000 }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : error.code, said: stdout + stderr }),
      );
    });
    if (code !== 0) throw new Error(`sync ended with ${String(code)}:\n${said}`);
  }
});
