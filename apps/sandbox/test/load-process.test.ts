import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { AuthoritativeZone, type DnsServer, startDnsServer } from "@cloudphoenix/adapter-dns";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { LoadCommand, LoadEvent } from "../src/load/load-protocol.ts";
import { systemClock } from "../src/process/system-clock.ts";
import { Application } from "./load-application.ts";

const MAIN = fileURLToPath(new URL("../src/load/main.ts", import.meta.url));
const WAIT = { timeout: 20_000, interval: 10 };

let directory: string;
let application: Application;
let dns: DnsServer;
let child: ChildProcess;
let events: LoadEvent[];
let exit: Promise<number | null>;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "load-process-"));
  application = await Application.open("127.0.0.1", 0);
  dns = await startDnsServer({
    host: "127.0.0.1",
    port: 0,
    clock: systemClock,
    zones: [
      new AuthoritativeZone({
        name: "phoenix.test",
        nameServer: "ns.phoenix.test",
        records: [{ name: "shop.phoenix.test", type: "A", ttlS: 1, data: "127.0.0.1" }],
      }),
    ],
    keys: [],
  });
});

afterEach(async () => {
  child.kill("SIGKILL");
  await exit;
  await application.close();
  await dns.close();
  rmSync(directory, { recursive: true });
});

function startLoad(settings: unknown): void {
  const file = join(directory, "load.json");
  writeFileSync(file, JSON.stringify(settings));
  events = [];
  child = spawn(process.execPath, [MAIN, file], { stdio: ["pipe", "pipe", "pipe"] });
  // "close" comes once all it has said is read, "exit" may come before that.
  exit = new Promise((resolve) => child.on("close", resolve));
  if (child.stdout === null) throw new Error("no standard output");
  createInterface({ input: child.stdout }).on("line", (line) => events.push(JSON.parse(line)));
}

function config(): unknown {
  return {
    run: "run",
    name: "shop.phoenix.test",
    port: application.port,
    dns: { host: dns.host, port: dns.port },
    ledgerFile: join(directory, "ledger.jsonl"),
    eventsEveryMs: 50,
  };
}

function tell(command: LoadCommand): void {
  child.stdin?.write(`${JSON.stringify(command)}\n`);
}

async function untilEvent(name: LoadEvent["event"]): Promise<LoadEvent> {
  return vi.waitFor(() => {
    const found = events.find((event) => event.event === name);
    if (found === undefined) throw new Error(`no ${name} yet`);
    return found;
  }, WAIT);
}

test("writes through DNS on command, stops, reads back and quits", async () => {
  startLoad(config());
  await untilEvent("ready");
  tell({ command: "start" });
  await vi.waitFor(() => expect(application.orders.size).toBeGreaterThan(50), WAIT);
  tell({ command: "stop" });
  await untilEvent("stopped");
  const [lost] = application.orders.keys();
  application.lose(lost ?? "");

  tell({ command: "readback" });
  const result = await untilEvent("readback");
  tell({ command: "quit" });

  expect(await exit).toBe(0);
  expect(result).toMatchObject({
    missing: [{ key: lost }],
    missingTotal: 1,
    errors: 0,
    notChecked: 0,
  });
  expect(events.find((event) => event.event === "moved")).toMatchObject({ address: "127.0.0.1" });
});

test("answers a command it does not know with an error and goes on", async () => {
  startLoad(config());
  await untilEvent("ready");
  child.stdin?.write('{"command":"explode"}\nnot json\n{"command":"readback","baseUrl":"x"}\n');
  await vi.waitFor(
    () => expect(events.filter((event) => event.event === "error")).toHaveLength(3),
    WAIT,
  );

  tell({ command: "readback" });
  expect(await untilEvent("readback")).toMatchObject({ checked: 0, missing: [] });
});

test("ends when whoever started it is gone", async () => {
  startLoad(config());
  await untilEvent("ready");
  tell({ command: "start" });
  await vi.waitFor(() => expect(application.orders.size).toBeGreaterThan(5), WAIT);

  child.stdin?.end();

  expect(await exit).toBe(0);
});

test("refuses a wrong configuration with exit code 2", async () => {
  startLoad({ run: "x" });
  let complaint = "";
  child.stderr?.on("data", (chunk) => (complaint += String(chunk)));

  expect(await exit).toBe(2);
  expect(complaint).toMatch(
    /^the load client cannot start: .* not valid: dns must be an object\n$/,
  );
});
