// Goal: whoever waits for a sandbox learns why it does not get ready, from the controller itself.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type AwaitProtectedOptions, awaitProtected } from "../src/world/await-protected.ts";
import { freePorts } from "./fixtures/free-ports.ts";

let directory: string;
let logFile: string;
const cleanups: (() => void)[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cloudphoenix-await-"));
  logFile = join(directory, "controller-1.log");
  writeFileSync(logFile, "first line\nerror: the state database is on fire\n");
});

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
  rmSync(directory, { recursive: true, force: true });
});

/** A controller that says each of `answers` in turn, and then the last one again and again. */
async function controllerSaying(...answers: object[]): Promise<string> {
  const [port = 0] = await freePorts(1);
  const server = createServer((request, response) => {
    const allowed = request.headers.authorization === "Bearer t0ken";
    const [answer = {}] = answers.length > 1 ? answers.splice(0, 1) : answers;
    response.writeHead(allowed ? 200 : 401).end(JSON.stringify(answer));
  });
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return `http://127.0.0.1:${port}`;
}

function waiting(url: string, over: Partial<AwaitProtectedOptions> = {}): Promise<void> {
  return awaitProtected({
    urls: [url],
    token: "t0ken",
    limitMs: 300,
    controllers: [{ unaskedEnds: 0, logFile }],
    signal: new AbortController().signal,
    ...over,
  });
}

test("returns as soon as a controller says yes", async () => {
  const url = await controllerSaying(
    { protected: { yes: false, why: "nothing follows yet" } },
    { protected: { yes: true, why: "azure-westeurope is ready" } },
  );

  await expect(waiting(url, { limitMs: 10_000 })).resolves.toBeUndefined();
});

test("says the controller's own reason when time is up", async () => {
  const url = await controllerSaying({ protected: { yes: false, why: "nothing follows yet" } });

  await expect(waiting(url)).rejects.toMatchObject({
    code: "TIMED_OUT",
    message: expect.stringMatching(/nothing follows yet\n.*on fire/su),
    hint: expect.stringContaining(logFile),
  });
});

test("says that nobody answers when nobody does", async () => {
  const [port] = await freePorts(1);

  await expect(waiting(`http://127.0.0.1:${port}`)).rejects.toMatchObject({
    code: "TIMED_OUT",
    message: expect.stringContaining("does not answer"),
  });
});

test("does not wait for a controller that keeps ending", async () => {
  const [port] = await freePorts(1);
  const controllers = [{ unaskedEnds: 3, logFile }];

  await expect(
    waiting(`http://127.0.0.1:${port}`, { limitMs: 600_000, controllers }),
  ).rejects.toMatchObject({ code: "INTERNAL", message: expect.stringContaining("on fire") });
});

test("gives up when the caller does", async () => {
  const url = await controllerSaying({ protected: { yes: false, why: "nothing follows yet" } });

  await expect(
    waiting(url, { limitMs: 600_000, signal: AbortSignal.abort("Ctrl-C") }),
  ).rejects.toMatchObject({ code: "ABORTED" });
});
