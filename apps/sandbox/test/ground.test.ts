// Goal: a sandbox takes only what is free, ends only what is its own, and says clearly what is in the way.
// Method: real folders, real processes, real ports; no database.
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfiguration } from "@cloudphoenix/config";
import { afterEach, beforeEach, expect, test } from "vitest";
import { processIdentity, ProcessRegistry } from "../src/process/index.ts";
import { Cleanups } from "../src/world/cleanups.ts";
import { type Ground, prepareGround } from "../src/world/ground.ts";
import { layoutOf } from "../src/world/layout.ts";
import { claimPorts } from "../src/world/ports.ts";
import { linkSpecs } from "../src/world/topology.ts";

let directory: string;
let cleanups: Cleanups;
const children: { kill(signal: NodeJS.Signals): boolean }[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cloudphoenix-ground-"));
  // Reachable for the user PostgreSQL runs as, so that everything stays in here.
  chmodSync(directory, 0o755);
  cleanups = new Cleanups();
});

afterEach(async () => {
  await cleanups.run();
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

function prepare(name = "demo"): Promise<Ground> {
  return prepareGround({ name, directory }, cleanups);
}

/** A process that does nothing until it is killed. */
async function idleProcess(): Promise<{ readonly pid: number; readonly gone: Promise<unknown> }> {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"], { detached: true });
  children.push(child);
  const gone = once(child, "exit");
  await once(child, "spawn");
  return { pid: child.pid ?? 0, gone };
}

test("a second start of the same sandbox is refused by name, and a third after the first has ended", async () => {
  const { layout } = await prepare();

  await expect(prepare()).rejects.toMatchObject({
    code: "ALREADY_RUNNING",
    message: expect.stringMatching(new RegExp(`process ${process.pid} in .*demo`, "u")),
  });
  expect(existsSync(layout.configFile(1))).toBe(true);
  await cleanups.run();

  await expect(prepare()).resolves.toBeDefined();
});

test("two sandboxes of different names share nothing", async () => {
  const [one, two] = [await prepare("one"), await prepare("two")];

  expect(one.layout.home).not.toBe(two.layout.home);
  expect(one.ports.get("client")).not.toBe(two.ports.get("client"));
});

test("the lock of a killed process is taken over", async () => {
  const { layout } = await prepare();
  const dead = await idleProcess();
  const identity = processIdentity(dead.pid);
  process.kill(dead.pid, "SIGKILL");
  await dead.gone;
  await cleanups.run();
  writeFileSync(layout.lockFile, JSON.stringify({ pid: dead.pid, identity }));

  await expect(prepare()).resolves.toBeDefined();
});

test("the lock of a living process is respected even if its content names our own folder", async () => {
  const { layout } = await prepare();
  await cleanups.run();
  const other = await idleProcess();
  const holder = { pid: other.pid, identity: processIdentity(other.pid) };
  writeFileSync(layout.lockFile, JSON.stringify(holder));

  await expect(prepare()).rejects.toMatchObject({ code: "ALREADY_RUNNING" });
});

test("leftover processes are ended and files cleared", async () => {
  const { layout, registry } = await prepare();
  const leftover = await idleProcess();
  registry.add(leftover.pid, "aws/orders-0");
  writeFileSync(join(layout.logs, "old.log"), "old");
  await cleanups.run();

  await prepare();
  await leftover.gone;

  expect(existsSync(join(layout.logs, "old.log"))).toBe(false);
});

test("a process that merely has the id of a recorded one is left alone", async () => {
  const { layout } = await prepare();
  const stranger = await idleProcess();
  mkdirSync(layout.processes, { recursive: true });
  writeFileSync(
    join(layout.processes, `${stranger.pid}.json`),
    JSON.stringify({ pid: stranger.pid, identity: "another-boot/12345", name: "aws/orders-0" }),
  );
  await cleanups.run();

  await prepare();

  expect(processIdentity(stranger.pid)).not.toBeNull();
  expect(new ProcessRegistry(layout.processes).alive()).toEqual([]);
});

test("a pid file of PostgreSQL that names somebody else's process ends nothing", async () => {
  const { layout } = await prepare();
  const stranger = await idleProcess();
  const data = join(layout.state, "data");
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, "postmaster.pid"), `${stranger.pid}\n${data}\n`);
  await cleanups.run();

  await prepare();

  expect(processIdentity(stranger.pid)).not.toBeNull();
});

test("a folder that is not a sandbox is never emptied", async () => {
  mkdirSync(join(directory, "demo"));
  writeFileSync(join(directory, "demo", "thesis.txt"), "years of work");

  await expect(prepare()).rejects.toMatchObject({ code: "CONFLICT" });

  expect(readFileSync(join(directory, "demo", "thesis.txt"), "utf8")).toBe("years of work");
});

test("the home of a sandbox in a private folder is the same at every start", async () => {
  chmodSync(directory, 0o700);

  const [one, two] = [await layoutOf(directory, "demo"), await layoutOf(directory, "demo")];
  rmSync(one.home, { recursive: true });

  expect(one.home).toBe(two.home);
});

test.each(["../escape", "", "UPPER", "a/b"])("%j cannot name a sandbox", async (name) => {
  await expect(prepare(name)).rejects.toMatchObject({ code: "BAD_REQUEST" });
});

test("the configuration it writes is valid, without surprises, and its secrets are private", async () => {
  const { layout, ports } = await prepare();

  const configuration = await loadConfiguration(layout.configFile(1), { environment: {} });

  expect(configuration.warnings).toEqual([]);
  expect(configuration.application.sites.map(({ id }) => id)).toEqual([
    "aws-us-east-1",
    "azure-westeurope",
  ]);
  expect(configuration.signals).toHaveLength(12);
  expect(configuration.traffic.port).toBe(ports.get("client"));
  expect(configuration.policy).toMatchObject({
    modes: { dr: "auto" },
    holdMs: { dr: 2_000 },
    cooldownMs: 10_000,
  });
  expect(statSync(layout.secret("tsig")).mode & 0o777).toBe(0o600);
  expect(statSync(layout.secrets).mode & 0o777).toBe(0o700);
});

test("policy overrides change one part and leave the others of the sandbox", async () => {
  const { layout } = await prepareGround(
    { name: "demo", directory, policy: { modes: { dr: "approve" }, cooldown: "1m" } },
    cleanups,
  );

  const { policy } = await loadConfiguration(layout.configFile(1), { environment: {} });

  expect(policy.modes).toEqual({ heal: "auto", region: "auto", dr: "approve" });
  expect(policy.cooldownMs).toBe(60_000);
});

test("every URL of the configuration leads to a link or a port that was picked for it", async () => {
  const { layout, ports } = await prepare();
  const known = new Set(linkSpecs(ports, 20).map(({ listen }) => listen.port));
  const direct = ["fence", "state", "aws:provider", "azure:provider"];
  // An agent reaches the database of its own site without leaving it.
  for (const name of [...direct, "aws:postgres", "azure:postgres"]) known.add(ports.get(name));

  const text = readFileSync(layout.configFile(1), "utf8");
  const named = [...text.matchAll(/(?:http|postgresql):\/\/\S*?:(?<port>\d+)/gu)].map((match) =>
    Number(match.groups?.["port"]),
  );

  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((port) => !known.has(port))).toEqual([]);
});

test("ports are below 32768, free on every address they are needed on, and all different", async () => {
  const taken = createServer().listen(0, "127.0.2.1");
  await once(taken, "listening");
  const needs = Array.from({ length: 30 }, (_, index) => ({
    name: `port-${index}`,
    hosts: ["127.0.1.1", "127.0.2.1"],
    udp: true,
  }));

  const { ports, release } = await claimPorts(needs, { next: () => Math.random() });
  const numbers = needs.map(({ name }) => ports.get(name));
  await release();
  taken.close();

  expect(new Set(numbers).size).toBe(30);
  expect(Math.max(...numbers)).toBeLessThan(32_768);
});

test("a port that is taken on one of the addresses is passed over", async () => {
  const hosts = ["127.0.1.1", "127.0.2.1"];
  const free = await claimPorts([{ name: "client", hosts }], { next: () => 0.5 });
  await free.release();
  const taken = createServer().listen(free.ports.get("client"), "127.0.2.1");
  await once(taken, "listening");

  const { ports, release } = await claimPorts([{ name: "client", hosts }], { next: () => 0.5 });
  await release();
  taken.close();

  expect(ports.get("client")).not.toBe(free.ports.get("client"));
});

test("a sandbox gets no port from the block of another, although nobody listens there yet", async () => {
  const needs = [{ name: "pod" }, { name: "database" }];
  const one = await claimPorts(needs, { next: () => 0.5 });
  const other = await claimPorts(needs, { next: () => 0.5 });
  await Promise.all([one.release(), other.release()]);

  const distance = Math.abs(one.ports.get("pod") - other.ports.get("pod"));
  expect(distance).toBeGreaterThan(100);
});

test("a machine without the loopback addresses is told how to add them", async () => {
  const need = { name: "client", hosts: ["192.0.2.1"] };

  await expect(claimPorts([need], { next: () => 0.5 })).rejects.toMatchObject({
    code: "UNSUPPORTED_PLATFORM",
    hint: expect.stringContaining("sudo ifconfig lo0 alias 127.0.1.1 up"),
  });
});
