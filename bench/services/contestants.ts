/** The servers that are compared, on the same database. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { atEnd } from "../at-end.ts";
import type { Ground } from "./ground.ts";
import { type Layer, LAYERS } from "./layers.ts";
import type { Contestant } from "./windows.ts";

const ROOT = join(import.meta.dirname, "../..");
const READY_WITHIN_MS = 30_000;

/** How to start one. */
interface Entrant {
  readonly name: string;
  /** `PORT` in it, and in the environment, is where to listen. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

/** Gunicorn with two and four workers, and one process of ours, without and with traces. */
export async function rivals(ground: Ground): Promise<readonly Entrant[]> {
  return [classic(ground, 2), classic(ground, 4), ...(await orders(ground))];
}

/** A server for each layer more, and the service itself. */
export async function layered(ground: Ground): Promise<readonly Entrant[]> {
  const [command, ...options] = await nodeOptions();
  const server = join(import.meta.dirname, "layered-server.ts");
  const layers = LAYERS.map(
    (layer: Layer, index): Entrant => ({
      name: index === 0 ? layer : `+ ${layer}`,
      command: [command, ...options, server, layer],
      env: databaseOf(ground),
    }),
  );
  return [...layers, ...(await orders(ground))];
}

/** Starts them one after the other; `stop` ends every one. @param firstPort - one for each from here */
export async function startAll(
  ground: Ground,
  entrants: readonly Entrant[],
  firstPort: number,
): Promise<{ readonly all: readonly Contestant[]; readonly stop: () => Promise<void> }> {
  const children: ChildProcess[] = [];
  const stop = atEnd(async () => void (await Promise.all(children.map(end))));
  const all: Contestant[] = [];
  try {
    for (const [index, { name, command, env }] of entrants.entries()) {
      const port = firstPort + index;
      const url = `http://127.0.0.1:${port}`;
      const log = openSync(join(ground.directory, `${port}.log`), "a");
      const own = { PATH: process.env["PATH"] ?? "", PORT: String(port), ...env };
      const [program, ...args] = command;
      const child = spawn(
        program,
        args.map((word) => word.replace("PORT", String(port))),
        { env: own, stdio: ["ignore", log, log] },
      );
      children.push(child);
      await untilLive(url);
      all.push({ name, pid: child.pid ?? 0, url });
    }
    return { all, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function classic(ground: Ground, workers: number): Entrant {
  const dsn = `host=127.0.0.1 port=${ground.databasePort} user=app dbname=postgres`;
  const bind = ["-w", String(workers), "-b", "127.0.0.1:PORT"];
  return {
    name: `Flask, Gunicorn ×${workers}`,
    command: ["gunicorn", ...bind, "--chdir", import.meta.dirname, "classic_app:app"],
    env: {
      DATABASE_DSN: `${dsn} options='-c statement_timeout=3000'`,
      PGPASSWORD: ground.password,
      PYTHONDONTWRITEBYTECODE: "1",
    },
  };
}

async function orders(ground: Ground): Promise<readonly Entrant[]> {
  const [command, ...options] = await nodeOptions();
  const main = join(ROOT, "services/orders/src/main.ts");
  const env = {
    ...databaseOf(ground),
    LOG_LEVEL: "info",
    // On, and out of reach: the counting is part of the comparison, the refusing is not.
    RATE_LIMIT_PER_MINUTE: "100000000",
    // As in the image, where it is empty at the first start only.
    NODE_COMPILE_CACHE: join(ground.directory, "compile-cache"),
  };
  const traced = {
    ...env,
    OTEL_EXPORTER_OTLP_ENDPOINT: ground.traceSink,
    OTEL_TRACES_SAMPLER_ARG: "0.1",
  };
  return [
    { name: "orders ×1", command: [command, ...options, main], env },
    { name: "orders ×1, traces 10 %", command: [command, ...options, main], env: traced },
  ];
}

/** What the containers run with, out of their Dockerfile. */
async function nodeOptions(): Promise<readonly [string, ...string[]]> {
  const text = await readFile(join(ROOT, "deploy/containers/Dockerfile"), "utf8");
  const [, words = ""] =
    /^ENTRYPOINT \["node", (.*), "services\/orders\/src\/main\.ts"\]$/m.exec(text) ?? [];
  const options: unknown = JSON.parse(`[${words}]`);
  if (!Array.isArray(options) || options.length === 0) throw new Error("no options for node");
  return [process.execPath, ...options.map(String)];
}

function databaseOf(ground: Ground): Record<string, string> {
  return {
    DATABASE_URL: `postgresql://app@127.0.0.1:${ground.databasePort}/postgres`,
    DATABASE_PASSWORD_FILE: ground.passwordFile,
  };
}

async function untilLive(url: string): Promise<void> {
  const giveUpMs = performance.now() + READY_WITHIN_MS;
  for (;;) {
    try {
      const answer = await fetch(`${url}/orders/1`);
      if (answer.ok) return;
    } catch {
      // Not listening yet.
    }
    if (performance.now() > giveUpMs) throw new Error(`${url} does not serve orders`);
    await delay(100);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  await gone;
}
