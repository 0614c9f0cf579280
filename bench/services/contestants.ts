/** The servers that are compared, each with all production duties on, on the same database. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** One server, listening. */
export interface Contestant {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
}

/** Where all of them find the orders. */
export interface Ground {
  readonly directory: string;
  readonly databasePort: number;
  readonly passwordFile: string;
  readonly password: string;
}

const MAIN = join(import.meta.dirname, "../../services/orders/src/main.ts");
const READY_WITHIN_MS = 20_000;

/** Starts them one after the other; `stop` ends every one and the sink for traces. */
export async function startContestants(
  ground: Ground,
  firstPort: number,
): Promise<{ readonly all: readonly Contestant[]; readonly stop: () => Promise<void> }> {
  const sink = await traceSink(firstPort + 9);
  const traced = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${firstPort + 9}`,
    OTEL_TRACES_SAMPLER_ARG: "0.1",
  };
  const children = [
    classic(ground, 2, firstPort),
    classic(ground, 4, firstPort + 1),
    ours(ground, firstPort + 2, {}),
    ours(ground, firstPort + 3, traced),
  ];
  const names = ["Flask, Gunicorn ×2", "Flask, Gunicorn ×4", "orders ×1", "orders ×1, traces 10 %"];
  const all = children.map(
    (child, index): Contestant => ({
      name: names[index] ?? "",
      pid: child.pid ?? 0,
      url: `http://127.0.0.1:${firstPort + index}`,
    }),
  );
  await Promise.all(all.map(({ url }) => untilLive(url)));
  const stop = async (): Promise<void> => {
    await Promise.all(children.map(end));
    await new Promise((resolve) => sink.close(resolve));
  };
  return { all, stop };
}

function classic(ground: Ground, workers: number, port: number): ChildProcess {
  const dsn = `host=127.0.0.1 port=${ground.databasePort} user=app dbname=postgres`;
  const args = ["-w", String(workers), "-b", `127.0.0.1:${port}`, "--chdir", import.meta.dirname];
  return start(["gunicorn", ...args, "classic_app:app"], ground, `classic-${workers}`, {
    DATABASE_DSN: dsn,
    PGPASSWORD: ground.password,
    PYTHONDONTWRITEBYTECODE: "1",
  });
}

function ours(ground: Ground, port: number, more: Record<string, string>): ChildProcess {
  // The flag the containers run with: less memory at the same speed.
  const command = [process.execPath, "--max-semi-space-size=16", MAIN];
  return start(command, ground, `orders-${port}`, {
    DATABASE_URL: `postgresql://app@127.0.0.1:${ground.databasePort}/postgres`,
    DATABASE_PASSWORD_FILE: ground.passwordFile,
    PORT: String(port),
    LOG_LEVEL: "info",
    // On, and out of reach: the counting is part of the comparison, the refusing is not.
    RATE_LIMIT_PER_MINUTE: "100000000",
    ...more,
  });
}

function start(
  [command = "", ...args]: readonly string[],
  ground: Ground,
  name: string,
  env: Record<string, string>,
): ChildProcess {
  const log = openSync(join(ground.directory, `${name}.log`), "a");
  return spawn(command, args, {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", log, log],
  });
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

/** Takes spans and forgets them. */
async function traceSink(port: number): Promise<Server> {
  const sink = createServer((request, response) => {
    request.resume().on("end", () => response.end("{}"));
  });
  sink.listen(port, "127.0.0.1");
  await once(sink, "listening");
  return sink;
}
