/** Our S3 server and Azurite, used by a client that was not written for them. */
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Azurite, type SpawnedS3, spawnLocalS3, startAzurite } from "../../src/index.ts";
import { SIGNER } from "../scratch.ts";
import { Rclone, rcloneAvailable, rcloneVersion } from "./rclone.ts";

const REGION = "eu-west-1";

/** Every file system here can hold them. */
const ODD_NAMES = [
  "plain.txt",
  "with space",
  "plus+percent%41%",
  "ünï/çødé ～",
  "emoji 😀",
  "quote'\"<&>;,=@$!()*~",
  "deep/er/and/deeper/x",
  "?query#fragment",
  "~",
];

describe.skipIf(!rcloneAvailable())(
  `the stores, used by ${rcloneVersion() ?? "rclone (missing: apt-get install rclone)"}`,
  () => {
    let root = "";
    let s3: SpawnedS3;
    let azurite: Azurite;
    let rclone: Rclone;
    let source = "";
    let count = 0;
    let primary = "";
    let standby = "";

    beforeAll(async () => {
      root = await mkdtemp(join(tmpdir(), "local-objects-"));
      s3 = await spawnLocalS3({
        directory: join(root, "s3"),
        port: 0,
        region: REGION,
        credentials: [SIGNER],
      });
      azurite = await startAzurite({ directory: join(root, "azurite"), blobPort: 0 });
      const { endpoint } = s3;
      rclone = await Rclone.open({ endpoint, region: REGION, credentials: SIGNER }, azurite);
      source = join(root, "source");
      await fill(source);
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

    test.each(["primary", "standby"])("what goes up to %s comes down the same", async (name) => {
      const place = name === "primary" ? primary : standby;
      await rclone.must("copy", source, place);
      expect(await rclone.differences(source, place)).toEqual([]);
      const back = join(root, `back-${count}`);
      await rclone.must("copy", place, back);
      expect(await contents(back)).toEqual(await contents(source));
    });

    test("a check finds one byte that differs, one object too few and one too many", async () => {
      await rclone.must("copy", source, primary);
      const other = join(root, `other-${count}`);
      await rclone.must("copy", source, other);
      const body = await readFile(join(other, "with space"));
      body[0] = body[0]! ^ 1;
      await writeFile(join(other, "with space"), body);
      await rm(join(other, "plain.txt"));
      await writeFile(join(other, "more"), "more");
      const found = await rclone.differences(other, primary);
      expect(found.toSorted()).toEqual(["* with space", "+ more", "- plain.txt"]);
    });

    test("copying from one to the other and back changes nothing", async () => {
      await rclone.must("copy", source, primary);
      await rclone.must("copy", primary, standby);
      expect(await rclone.differences(primary, standby)).toEqual([]);
      await rclone.must("copy", standby, `${primary}/back`);
      expect(await rclone.differences(source, `${primary}/back`)).toEqual([]);
    });

    test("copying again finds nothing to do", async () => {
      await rclone.must("copy", source, primary);
      const again = await rclone.must("copy", source, primary, "-v", "--stats-one-line");
      expect(again).toMatch(/0 B \/ 0 B|nothing to transfer/u);
    });

    test("large objects go up in parts and copy within the server", async () => {
      const large = join(root, "large");
      await mkdir(large, { recursive: true });
      await writeFile(join(large, "21 MiB"), randomBytes(21 * 1024 * 1024));
      const inParts = ["--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M"];
      const copyInParts = ["--s3-copy-cutoff", "5M"];
      await rclone.must("copy", large, primary, ...inParts);
      expect(await rclone.differences(large, primary)).toEqual([]);
      await rclone.must("copy", primary, `${primary}-copy/there`, ...copyInParts, ...inParts);
      expect(await rclone.differences(large, `${primary}-copy/there`)).toEqual([]);
      const { UploadPart, UploadPartCopy } = await s3.counters();
      expect(UploadPart?.requests).toBeGreaterThanOrEqual(5);
      expect(UploadPartCopy?.requests).toBeGreaterThanOrEqual(5);
      expect(UploadPart?.errors).toEqual({});
    });

    test("thousands of small objects are listed page by page, and removed", async () => {
      const many = join(root, "many");
      await mkdir(many, { recursive: true });
      const names = Array.from({ length: 2500 }, (_, at) => `object-${at}`);
      for (const name of names) await writeFile(join(many, name), name);
      await rclone.must("copy", many, primary, "--transfers", "32", "--checkers", "32");
      const listed = (await rclone.must("lsf", primary)).trim().split("\n");
      expect(listed.toSorted()).toEqual(names.toSorted());
      await rclone.must("delete", primary);
      expect(await rclone.must("lsf", "-R", primary)).toBe("");
      await rclone.must("rmdir", primary);
      const gone = await rclone.run("lsf", primary);
      expect(gone.exitCode).not.toBe(0);
    });

    test("a wrong key is refused by both", async () => {
      const wrong = { ...SIGNER, secretAccessKey: "wrong" };
      const accountKey = randomBytes(64).toString("base64");
      const stranger = await Rclone.open(
        { endpoint: s3.endpoint, region: REGION, credentials: wrong },
        { ...azurite, accountKey },
      );
      for (const place of [primary, standby]) {
        const { exitCode, output } = await stranger.run("lsf", place, "--low-level-retries", "1");
        expect(exitCode).not.toBe(0);
        expect(output).toMatch(/SignatureDoesNotMatch|AuthorizationFailure|403/u);
      }
      await stranger.close();
    });
  },
);

async function fill(directory: string): Promise<void> {
  for (const [index, name] of ODD_NAMES.entries()) {
    const path = join(directory, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, randomBytes(index * 40_001));
  }
}

/** Every file below, by its name. */
async function contents(directory: string): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    found[path.slice(directory.length + 1)] = (await readFile(path)).toString("base64");
  }
  return found;
}
