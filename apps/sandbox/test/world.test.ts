// Goal: a sandbox can be steered from another terminal, runs once, and leaves nothing behind:
// neither when it is closed, nor (from the next start on) when it is killed, nor when it is aborted.
// Method: a whole sandbox with real databases, services, agents and controller, in its own process.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AttachedWorld, attachWorld, openWorld } from "../src/index.ts";
import { processIdentity, ProcessRegistry, type RecordedProcess } from "../src/process/index.ts";

const OPEN_WITHIN_MS = 180_000;
let directory: string;
let runner: ChildProcess;
let world: AttachedWorld;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "cloudphoenix-world-"));
  // Reachable for the user PostgreSQL runs as, so that everything stays in here.
  chmodSync(directory, 0o755);
  runner = runWorld();
  await said(runner, /^open$/u);
  world = await attachWorld({ name: "demo", directory });
}, OPEN_WITHIN_MS);

afterAll(async () => {
  runner.kill("SIGKILL");
  // The processes of a killed sandbox are ended by the next start, also by one that is given up.
  await abortedStart().catch(() => {});
  rmSync(directory, { recursive: true, force: true });
}, OPEN_WITHIN_MS);

function runWorld(): ChildProcess {
  const program = join(import.meta.dirname, "fixtures/run-world.ts");
  return spawn(process.execPath, [program, directory], { stdio: ["ignore", "pipe", "inherit"] });
}

/** Resolves once the process has said something that matches. */
async function said({ stdout }: ChildProcess, pattern: RegExp): Promise<void> {
  if (stdout === null) throw new Error("no output");
  const lines: string[] = [];
  for await (const line of createInterface({ input: stdout })) {
    if (pattern.test(line)) return;
    lines.push(line);
  }
  throw new Error(`it ended after saying: ${lines.join("; ")}`);
}

/** Starts the sandbox and gives up as soon as databases and network run. Returns what it said. */
async function abortedStart(): Promise<string[]> {
  const progress: string[] = [];
  const giveUp = new AbortController();
  const opening = openWorld({
    name: "demo",
    directory,
    signal: giveUp.signal,
    onProgress: (text) => {
      progress.push(text);
      if (text.startsWith("Setting up roles")) giveUp.abort();
    },
  });
  await expect(opening).rejects.toMatchObject({ code: "ABORTED" });
  return progress;
}

function living(processes: readonly RecordedProcess[]): readonly string[] {
  return processes
    .filter(({ pid, identity }) => processIdentity(pid) === identity)
    .map(({ name }) => name);
}

/** How a new connection to the public entry of the first site ends: with an answer or without. */
function visit(address: string): Promise<string> {
  const [host = "", port] = address.split(":");
  return new Promise((resolve) => {
    const socket = connect(Number(port), host);
    socket.on("error", () => resolve("reset"));
    socket.on("data", () => resolve("answer"));
    socket.write("GET /live HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n");
  });
}

test("tells another terminal what it is", async () => {
  const status = await world.status();

  expect(status).toMatchObject({ name: "demo", active: "aws-us-east-1", faults: [] });
  expect(world.file.pid).toBe(runner.pid);
  const answer = await fetch(`${status.urls.edge}/cloud-status`);
  expect(await answer.json()).toMatchObject({ site: "aws-us-east-1", writesOpen: true });
});

test("refuses a second start and says who runs it where", async () => {
  const opening = openWorld({ name: "demo", directory });

  await expect(opening).rejects.toMatchObject({
    code: "ALREADY_RUNNING",
    message: expect.stringContaining(`process ${runner.pid} in ${join(directory, "demo")}`),
  });
  expect((await world.status()).faults).toEqual([]);
});

test("causes and mends faults for another terminal, and refuses what makes no sense", async () => {
  const entry = "internet->aws:entry";
  const fault = await world.breakIt("monitor-blind");

  expect(fault).toMatchObject({ fault: "monitor-blind", site: "aws-us-east-1" });
  expect(Math.abs(fault.atMs - Date.now())).toBeLessThan(60_000);
  await expect(world.breakIt("monitor-blind")).rejects.toMatchObject({ code: "CONFLICT" });
  await expect(world.breakIt("db-slowdown", "mars")).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(world.impairLinks(entry, { sparkle: 1 })).rejects.toMatchObject({
    code: "BAD_REQUEST",
  });
  expect((await world.status()).faults).toHaveLength(1);
  expect(await world.mend()).toHaveLength(1);
  expect(await world.mend()).toEqual([]);
});

test("impairs links by hand, and repairs them", async () => {
  const port = new URL((await world.status()).urls.entries["aws-us-east-1"] ?? "").host;

  expect(await visit(port)).toBe("answer");
  await world.impairLinks("internet->aws:*", { refuse: true });
  expect(await visit(port)).toBe("reset");
  await world.repairLinks();
  expect(await visit(port)).toBe("answer");
});

test("refuses a stranger without the token", async () => {
  const answer = await fetch(`${world.file.urls.control}/v1/world`);

  expect(answer.status).toBe(401);
});

test("stops when another terminal asks, and takes every process and file with it", async () => {
  const { processes } = world.file;
  expect(living(processes).length).toBeGreaterThan(8);

  const gone = once(runner, "exit");
  await world.stop();
  await gone;

  expect(living(processes)).toEqual([]);
  expect(existsSync(join(directory, "demo"))).toBe(false);
  await expect(attachWorld({ name: "demo", directory })).rejects.toMatchObject({
    code: "NOT_RUNNING",
  });
});

test(
  "after a kill -9 the next start ends what was left, and given up it leaves nothing either",
  async () => {
    runner = runWorld();
    await said(runner, /^Waiting until/u);
    const before = new ProcessRegistry(join(directory, "demo", "processes")).alive();
    runner.kill("SIGKILL");
    await expect.poll(() => processIdentity(runner.pid ?? 0)).toBeNull();

    const progress = await abortedStart();

    expect(progress).toContainEqual(expect.stringMatching(/left behind: .*controller-1/u));
    expect(living(before)).toEqual([]);
  },
  OPEN_WITHIN_MS,
);
