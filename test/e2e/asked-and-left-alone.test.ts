import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { EXIT_CODES } from "@cloudphoenix/cli";
import type { DryRunView } from "../../apps/cli/src/render/dry-run-text.ts";
import { type SandboxUnderTest, sandboxUnderTest, until } from "./sandbox-under-test.ts";

// Goal: a mistake gets one clear error with what, where and what to do, its documented exit code,
// and loses nothing. A dry run shows current and intended state of every step and changes nothing: not at
// the databases, not in DNS, not on the platform, not in the roles.

// Every answer is that of a process of its own, or of several.
vi.setConfig({ testTimeout: 120_000 });

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
  await untilProtected();
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
  await untilProtected();
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

test("a dry run shows every step with what is and what would be, and the world stays as it was", async () => {
  const before = await worldNow();

  const view = await sandbox.api.send<DryRunView>("/v1/plans", {
    method: "POST",
    body: { kind: "dr" },
  });

  expect(await worldNow()).toEqual(before);
  expect(view.findings).toEqual([]);
  expect(view.plan?.steps.map((step) => step.action.kind)).toEqual([
    "fence-site",
    "measure-loss",
    "promote-database",
    "scale-workload",
    "scale-workload",
    "scale-workload",
    "verify-site",
    "switch-traffic",
    "open-writes",
    "verify-convergence",
    "notify",
    "report",
  ]);
  expect(view.steps).toHaveLength(view.plan?.steps.length ?? 0);
  for (const step of view.steps) {
    expect(step.current, step.id).not.toBe("");
    expect(step.intended, step.id).not.toBe("");
  }
  // A busy machine may make a replica look crashed, which is healed: that is nothing of the dry run.
  expect((await sandbox.runs()).filter(({ plan }) => plan.kind !== "heal")).toEqual([]);
});

/** It still is, or is again: a busy machine may let a sign of life be late. */
async function untilProtected(): Promise<void> {
  await until(
    "protection",
    () => sandbox.status(),
    (status) => status.protected.yes,
  );
}

/** Everything a plan could change, but for what moves by itself (heartbeat, counters). */
async function worldNow(): Promise<unknown> {
  const status = await sandbox.status();
  const databases = await Promise.all(databaseUrls().map((url) => databaseNow(url)));
  const traffic = await sandbox.world.status();
  return { active: status.active, generation: status.generation, databases, leads: traffic.active };
}

interface SiteEntry {
  readonly database: { readonly url: string; readonly password_file: string };
}

function databaseUrls(): readonly string[] {
  const file = sandbox.world.configFile;
  const { sites } = parse(readFileSync(file, "utf8")) as { readonly sites: readonly SiteEntry[] };
  return sites.map(({ database }) => {
    const url = new URL(database.url);
    url.password = readFileSync(join(dirname(file), database.password_file), "utf8").trim();
    return url.href;
  });
}

async function databaseNow(url: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const ask = async (sql: string): Promise<unknown> => (await client.query(sql)).rows;
    return {
      site: await ask(
        "select site, role, generation, writes_open, durability from cloudphoenix.site",
      ),
      slots: await ask("select slot_name from pg_replication_slots order by 1"),
      subscriptions: await ask("select subname, subenabled from pg_subscription order by 1"),
      publications: await ask("select pubname from pg_publication order by 1"),
      triggers: await ask(
        "select tgname, tgenabled from pg_trigger where not tgisinternal order by 1",
      ),
    };
  } finally {
    await client.end();
  }
}
