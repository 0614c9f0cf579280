/** Azurite for a test file: its own folder and ports, ended with it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export const ACCOUNT = "devstoreaccount1";
export const ACCOUNT_KEY =
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

export interface Azurite {
  readonly blobEndpoint: URL;
  readonly queueEndpoint: URL;
  stop(): Promise<void>;
}

export async function startAzurite(): Promise<Azurite> {
  const folder = await mkdtemp(join(tmpdir(), "azurite-"));
  const home = dirname(createRequire(import.meta.url).resolve("azurite/package.json"));
  const ports = await Promise.all([freePort(), freePort(), freePort()]);
  const [blob, queue, table] = ports;
  const child = spawn(
    process.execPath,
    [
      join(home, "dist/src/azurite.js"),
      "--silent",
      "--location",
      folder,
      "--blobPort",
      String(blob),
      "--queuePort",
      String(queue),
      "--tablePort",
      String(table),
      "--disableTelemetry",
      "--skipApiVersionCheck",
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  await ready(child);
  return {
    blobEndpoint: new URL(`http://127.0.0.1:${blob}/${ACCOUNT}`),
    queueEndpoint: new URL(`http://127.0.0.1:${queue}/${ACCOUNT}`),
    stop: async () => {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

async function ready(child: ChildProcess): Promise<void> {
  let said = "";
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      said += chunk.toString("utf8");
      if (/Queue service is successfully/.test(said)) resolve();
    });
    child.once("exit", (code) => reject(new Error(`azurite ended with ${code}: ${said}`)));
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
