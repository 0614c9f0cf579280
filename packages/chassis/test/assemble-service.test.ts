// Every setting gets where it is to take effect: one service is assembled from settings, and each of them
// is seen in what it does.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Answer, ask, eventually, portOf } from "./chassis-world.ts";

const MAIN = fileURLToPath(new URL("./assembled-service.ts", import.meta.url));
const ORIGIN = "https://shop.example";
/** Asks for a password in clear text: `R`, a length of 8, a method of 3. */
const ASK_FOR_PASSWORD = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]);

let directory: string;
let passwordFile: string;
let database: Server;
let collector: HttpServer;
let service: ChildProcess;
let url: string;
const lines: Record<string, unknown>[] = [];
const traces: string[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "assembled-"));
  passwordFile = join(directory, "password");
  await writeFile(passwordFile, "app-secret\n");
  database = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.write(ASK_FOR_PASSWORD);
      // Whoever has told it is hung up on.
      socket.once("data", () => socket.destroy());
    });
  });
  collector = createHttpServer((request, response) => {
    request.on("data", (chunk) => traces.push(String(chunk)));
    request.on("end", () => response.setHeader("content-type", "application/json").end("{}"));
  });
  for (const server of [database, collector]) {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  }
  service = spawn(process.execPath, [MAIN], {
    env: {
      ...process.env,
      PORT: "0",
      SITE: "s1",
      POD: "p7",
      COMMIT: "abc123",
      DATABASE_URL: `postgresql://app@127.0.0.1:${portOf(database)}/app`,
      DATABASE_PASSWORD_FILE: passwordFile,
      STORAGE_URL: "azblob://shop1/receipts?endpoint=http://127.0.0.1:1",
      STORAGE_KEY: "env:STORE_KEY",
      STORE_KEY: "c2VjcmV0",
      RATE_LIMIT_PER_MINUTE: "60",
      TRUSTED_PROXIES: "1",
      CORS_ORIGINS: ORIGIN,
      LOG_SAMPLE_ABOVE: "1",
      ANSWER_TIMEOUT_MS: "60",
      SHUTDOWN_DELAY_MS: "0",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${portOf(collector)}`,
      OTEL_TRACES_SAMPLER_ARG: "0",
      TRACES_TRUST_CALLERS: "true",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let pending = "";
  service.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    const parts = (pending + chunk).split("\n");
    pending = parts.pop() ?? "";
    for (const part of parts) lines.push(JSON.parse(part));
  });
  const listening = await eventually(
    () => lines.find(({ msg }) => msg === "listening"),
    (line) => line !== undefined,
  );
  url = `http://127.0.0.1:${String(listening?.["port"])}`;
});

afterAll(async () => {
  service.kill("SIGKILL");
  database.close();
  collector.close();
  await rm(directory, { recursive: true, force: true });
});

/** Asks as a client of its own, so that no test uses up what another has. */
function askAs(
  client: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return ask(url + path, { headers: { "x-forwarded-for": client, ...headers } });
}

function logged(msg: string): Promise<unknown> {
  return eventually(() => lines.some((line) => new RegExp(msg).test(String(line["msg"]))));
}

test("RATE_LIMIT_PER_MINUTE and TRUSTED_PROXIES: each client that a proxy names has as many", async () => {
  expect((await askAs("1.1.1.1", "/x/1")).headers.get("ratelimit-limit")).toBe("60");
  expect((await askAs("1.1.1.1", "/x/1")).headers.get("ratelimit-remaining")).toBe("58");
  expect((await askAs("2.2.2.2", "/x/1")).headers.get("ratelimit-remaining")).toBe("59");
});

test("CORS_ORIGINS: a page that is named may read", async () => {
  const { headers } = await askAs("3.3.3.3", "/x/1", { origin: ORIGIN });
  expect(headers.get("access-control-allow-origin")).toBe(ORIGIN);
});

test("LOG_SAMPLE_ABOVE: a flood leaves a line a second", async () => {
  const before = lines.filter(({ route }) => route === "/x/:id").length;
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: 50 }, () => askAs("4.4.4.4", "/x/2")));
  const seconds = Math.ceil((performance.now() - startedMs) / 1_000) + 1;
  await askAs("4.4.4.4", "/hanging");
  await eventually(() => lines.some(({ route }) => route === "/hanging"));
  const left = lines.filter(({ route }) => route === "/x/:id").length - before;
  expect(left).toBeLessThanOrEqual(seconds);
});

test("ANSWER_TIMEOUT_MS: a request has no longer", async () => {
  expect((await askAs("5.5.5.5", "/hanging")).body["code"]).toBe("DEADLINE_EXCEEDED");
});

test("personal fields of the service are hidden", async () => {
  await askAs("6.6.6.6", "/told");
  await logged("^told$");
  expect(lines.find(({ msg }) => msg === "told")).toMatchObject({ customer: "[hidden]" });
});

test("the content policy and the limits of the service are its own", async () => {
  const answer = await askAs("7.7.7.7", "/x/1");
  expect(answer.headers.get("content-security-policy")).toBe("default-src 'self'");
  expect((await askAs("7.7.7.7", "/x/123456")).status).toBe(400);
});

test("STORAGE_KEY: a static key is warned of, and the store's circuit is shown", async () => {
  await logged("static key of the object store");
  const { text } = (await askAs("8.8.8.8", "/metrics")).body;
  expect(text).toMatch(/^dependency_circuit_state\{(?=.*dependency="storage").*\} 0$/m);
});

test("SITE, POD and COMMIT: who answers", async () => {
  expect(lines[0]).toMatchObject({ service: "assembled", site: "s1", pod: "p7" });
  const { text } = (await askAs("8.8.8.8", "/metrics")).body;
  expect(text).toMatch(/^build_info\{(?=.*commit="abc123")(?=.*site="s1")/m);
});

test("DATABASE_PASSWORD_FILE: a password that cannot be read again is warned of", async () => {
  await askAs("9.9.9.9", "/password-asked-for");
  await rm(passwordFile);
  let asked = 0;
  await eventually(async () => {
    asked += 1;
    await askAs(`9.9.9.${asked % 250}`, "/password-asked-for");
    return lines.some(({ msg }) => msg === "a secret could not be read again");
  });
  const { text } = (await askAs("9.9.9.9", "/metrics")).body;
  expect(text).toMatch(/^secret_stale\{(?=.*secret="database-password").*\} 1$/m);
});

test("TRACES_TRUST_CALLERS: a trusted caller decides what is recorded, whatever the ratio", async () => {
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  await askAs("8.8.4.4", "/x/1");
  await askAs("8.8.4.4", "/x/1", { traceparent: `00-${traceId}-00f067aa0ba902b7-01` });
  service.kill("SIGTERM");
  await eventually(() => traces.join("").includes(traceId));
  const ids = new Set(traces.join("").match(/"traceId":"[0-9a-f]+"/g));
  expect([...ids]).toEqual([`"traceId":"${traceId}"`]);
});
