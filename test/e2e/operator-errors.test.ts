import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EXIT_CODES } from "@cloudphoenix/cli";
import { type SandboxUnderTest, sandboxUnderTest } from "./sandbox-under-test.ts";

// Goal: a mistake gets one clear error with what, where and what to do, its documented exit code,
// and loses nothing.

const root = join(import.meta.dirname, "../..");
const scratch = mkdtempSync(join(tmpdir(), "cloudphoenix-errors-"));
let sandbox: SandboxUnderTest;

beforeAll(async () => {
  sandbox = await sandboxUnderTest();
});

afterAll(async () => {
  rmSync(scratch, { recursive: true });
  await sandbox.close();
});

test("a wrong configuration names every mistake with line, column and suggestion", async () => {
  const file = join(scratch, "wrong.yaml");
  writeFileSync(file, "version: 1\naplication: { name: shop }\nsites: []\n");

  const { code, stderr } = await cloudphoenix("config", "check", file);

  expect(code).toBe(EXIT_CODES.badInput);
  expect(stderr).toMatch(/wrong\.yaml:2:1: .*aplication/);
  expect(stderr).toContain("application");
});

test("a missing file, an unknown command and an unknown option say what to type", async () => {
  const missing = await cloudphoenix("config", "check", join(scratch, "none.yaml"));
  const command = await cloudphoenix("failovr");
  const option = await cloudphoenix("status", "--wach");

  expect(missing.code).toBe(EXIT_CODES.badInput);
  expect(missing.stderr).toContain("none.yaml");
  expect(command.code).toBe(EXIT_CODES.usage);
  expect(command.stderr).toContain("failover");
  expect(option.code).toBe(EXIT_CODES.usage);
  expect(option.stderr).toContain("--watch");
});

test("a wrong token is refused, by name of what to do", async () => {
  const token = join(scratch, "token");
  writeFileSync(token, "not-the-token\n", { mode: 0o600 });
  const url = sandbox.world.urls.controllers[0] ?? "";

  const { code, stderr } = await cloudphoenix("status", "--url", url, "--token-file", token);

  expect(code).toBe(EXIT_CODES.notAllowed);
  expect(stderr).toMatch(/token/);
});

test("no sandbox and no controller are told apart from a failure", async () => {
  const { code, stderr } = await cloudphoenix("status", "--dir", scratch);

  expect(code).toBe(EXIT_CODES.unavailable);
  expect(stderr).toContain("cloudphoenix start");
});

test("a second start of the same sandbox is refused and the first one goes on", async () => {
  const { directory } = sandbox;

  const { code, stderr } = await cloudphoenix("start", "--dir", directory, "--name", "test");

  expect(code).toBe(EXIT_CODES.failed);
  expect(stderr).toMatch(new RegExp(`${process.pid}`));
  expect((await sandbox.status()).protected.yes).toBe(true);
});

test("what destroys wants to be confirmed, and without a terminal says how", async () => {
  const { directory } = sandbox;

  const { code, stderr } = await cloudphoenix(
    "break",
    "region-loss",
    "--dir",
    directory,
    "--name",
    "test",
  );

  expect(code).toBe(EXIT_CODES.needsPerson);
  expect(stderr).toContain("--yes");
  expect((await sandbox.status()).protected.yes).toBe(true);
});

test("with --json an error is JSON as well", async () => {
  const { stdout } = await cloudphoenix("status", "--json", "--dir", scratch);

  expect(JSON.parse(stdout)).toMatchObject({
    error: { code: "NOT_RUNNING", hint: expect.any(String) },
  });
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function cloudphoenix(...args: readonly string[]): Promise<Ended> {
  const main = join(root, "apps/cli/src/main.ts");
  try {
    const done = await promisify(execFile)(process.execPath, [main, ...args], {
      cwd: scratch,
      timeout: 60_000,
    });
    return { code: 0, ...done };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended;
    return { code, stdout, stderr };
  }
}
