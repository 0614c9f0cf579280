import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";

const BIN = join(import.meta.dirname, "../bin/cloudphoenix.js");

/** A Node.js of the machine that cannot run TypeScript; null if it has none. */
const olderNode = (process.env["PATH"] ?? "")
  .split(delimiter)
  .filter((folder) => !folder.includes("node_modules"))
  .map((folder) => join(folder, "node"))
  .filter((path) => existsSync(path))
  .find((path) => majorOf(path) < 24);

test.skipIf(olderNode === undefined)(
  "an older Node.js (none on the path: not tested) hands over to the one that npm installed",
  () => {
    const { status, stdout, stderr } = spawnSync(olderNode ?? "", [BIN, "version", "--json"], {
      encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(JSON.parse(stdout)).toHaveProperty("node", expect.stringMatching(/^v2[4-9]\./));
  },
);

test.skipIf(olderNode === undefined)(
  "an older Node.js passes a signal on and waits for the orderly end",
  async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const folder = mkdtempSync(join(tmpdir(), "cloudphoenix-older-"));
    const keys = join(folder, "keys");
    writeFileSync(keys, "aws_access_key_id = one\naws_secret_access_key = two\n", { mode: 0o600 });
    const place = (bucket: string): string =>
      `s3://${bucket}?region=r-1&endpoint=http://127.0.0.1:${port}&credentials-file=${keys}`;
    const args = [BIN, "sync", "--state-dir", folder, place("one"), place("two")];
    const child = spawn(olderNode ?? "", args, { stdio: "ignore" });
    try {
      // It asks the server something, and there is no answer.
      await once(silent, "connection");
      child.kill("SIGTERM");
      expect(await once(child, "exit")).toEqual([130, null]);
    } finally {
      child.kill("SIGKILL");
      silent.close();
      rmSync(folder, { recursive: true });
    }
  },
  20_000,
);

function majorOf(path: string): number {
  const { stdout } = spawnSync(path, ["--version"], { encoding: "utf8" });
  return Number(/^v(\d+)\./.exec(stdout)?.[1] ?? Number.POSITIVE_INFINITY);
}
