// "SIGTERM → not ready → drain → close in order → exit, second signal forces; in-flight requests
// finish; deadline."
import { spawn, type ChildProcess } from "node:child_process";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask, eventually, openWorld, withLock, type World } from "./chassis-world.ts";

const MAIN = fileURLToPath(new URL("./shutdown-service.ts", import.meta.url));
let world: World;

beforeAll(async () => {
  world = await openWorld();
  await world.sql(
    "create table items (id bigint generated always as identity); grant all on items to app",
  );
});

afterAll(() => world.close());

interface Process {
  readonly child: ChildProcess;
  readonly url: string;
  readonly lines: Record<string, unknown>[];
  readonly exit: Promise<number | null>;
}

async function run(environment: Record<string, string> = {}): Promise<Process> {
  const child = spawn(process.execPath, [MAIN], {
    env: { ...process.env, ...world.environment, LOG_LEVEL: "info", ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: Record<string, unknown>[] = [];
  let pending = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    const parts = (pending + chunk).split("\n");
    pending = parts.pop() ?? "";
    for (const part of parts) lines.push(JSON.parse(part));
  });
  // "close" comes once all it has said is read, "exit" may come before that.
  const exit = new Promise<number | null>((resolve) => child.on("close", resolve));
  const line = await eventually(
    () => lines.find((it) => it["msg"] === "listening"),
    (it) => it !== undefined,
  );
  return { child, url: `http://127.0.0.1:${String(line?.["port"])}`, lines, exit };
}

describe("SIGTERM under load", () => {
  // Method: keep-alive clients that go on sending until an answer asks them to go elsewhere, and one
  // request that is still running when nobody can connect any more.
  test("fails no accepted request, then closes in order and exits 0", async () => {
    const service = await run({
      // Whoever was answered before it began has come back by then, also on a busy machine.
      SHUTDOWN_DELAY_MS: "2000",
      DATABASE_POOL_MAX: "20",
      DATABASE_STATEMENT_TIMEOUT_MS: "9000",
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    const statuses: (number | string)[] = [];
    const client = async (): Promise<void> => {
      for (;;) {
        const outcome = await post(agent, `${service.url}/items`);
        statuses.push(typeof outcome === "string" ? outcome : outcome.status);
        if (typeof outcome === "string" || outcome.connection === "close") return;
      }
    };
    const clients = Array.from({ length: 16 }, () => client());
    await eventually(() => statuses.length > 100);
    const { slow } = await withLock(world, "items", async () => {
      const running = post(new Agent(), `${service.url}/items`);
      await eventually(
        () => world.sql("select 1 from pg_stat_activity where wait_event_type = 'Lock'"),
        (rows) => rows.length > 0,
      );
      service.child.kill("SIGTERM");
      const ready = await eventually(
        () => ask(`${service.url}/ready`),
        (it) => it.status === 503,
      );
      expect([ready.body, ready.headers.get("connection")]).toEqual([
        { status: "draining" },
        "close",
      ]);
      await eventually(() => refuses(service.url));
      return { slow: running };
    });
    expect(await slow).toMatchObject({ status: 200 });
    await Promise.all(clients);
    agent.destroy();
    expect(await service.exit).toBe(0);
    // First what the service says of failures, then what its clients saw.
    expect(service.lines.filter((line) => "code" in line)).toEqual([]);
    expect(new Set(statuses)).toEqual(new Set([200]));
    const told = service.lines.map((line) => line["msg"]).filter((msg) => msg !== "request");
    expect(told).toEqual(
      expect.arrayContaining([
        "draining",
        "quiesced",
        "a part could not be closed",
        "closing",
        "closed",
        "drained",
      ]),
    );
    const order = ["draining", "quiesced", "closing", "closed", "drained"].map((msg) =>
      told.indexOf(msg),
    );
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  }, 60_000);
});

describe("SIGTERM with a request that is stuck in the database", () => {
  const stuck = {
    SHUTDOWN_DEADLINE_MS: "400",
    DATABASE_STATEMENT_TIMEOUT_MS: "60000",
    ANSWER_TIMEOUT_MS: "60000",
  };

  test("exits 1 at the deadline", async () => {
    const service = await run(stuck);
    const code = await withStuckRequest(service, () => {
      service.child.kill("SIGTERM");
      return service.exit;
    });
    expect(code).toBe(1);
    expect(service.lines.at(-1)).toMatchObject({
      level: "error",
      msg: expect.stringContaining("too long"),
    });
  }, 60_000);

  test("exits 1 at once on a second signal", async () => {
    const service = await run({ ...stuck, SHUTDOWN_DEADLINE_MS: "300000" });
    const code = await withStuckRequest(service, async () => {
      service.child.kill("SIGTERM");
      await eventually(() => service.lines.some((line) => line["msg"] === "draining"));
      service.child.kill("SIGTERM");
      return service.exit;
    });
    expect(code).toBe(1);
    expect(service.lines.map((line) => line["msg"])).not.toContain("drained");
  }, 60_000);
});

test("SIGUSR2 turns debug logs on, and off again, without a restart", async () => {
  const service = await run();
  const probesLogged = async (): Promise<number> => {
    await ask(`${service.url}/live`);
    return service.lines.filter((line) => line["route"] === "/live").length;
  };
  expect(await probesLogged()).toBe(0);
  service.child.kill("SIGUSR2");
  await eventually(probesLogged, (count) => count > 0);
  service.child.kill("SIGUSR2");
  // Quiet again once a probe adds no line to those before it.
  await eventually(async () => (await probesLogged()) === (await probesLogged()));
  service.child.kill("SIGTERM");
  expect(await service.exit).toBe(0);
}, 60_000);

test("an uncaught error is logged, drains, and exits 1", async () => {
  const service = await run();
  await ask(`${service.url}/throw`, { method: "POST" });
  expect(await service.exit).toBe(1);
  expect(service.lines).toContainEqual(
    expect.objectContaining({
      level: "fatal",
      err: { type: "Error", message: "nobody catches this" },
    }),
  );
}, 60_000);

interface PostAnswer {
  readonly status: number;
  readonly connection: string | undefined;
}

/** The answer, or the code of the error that came instead. */
function post(agent: Agent, url: string): Promise<PostAnswer | string> {
  return new Promise((resolve) => {
    const sent = request(url, { agent, method: "POST" });
    sent.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.on("response", (response) => {
      response.resume();
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, connection: response.headers.connection }),
      );
    });
    sent.end();
  });
}

function withStuckRequest<T>(service: Process, work: () => Promise<T>): Promise<T> {
  return withLock(world, "items", async () => {
    void post(new Agent(), `${service.url}/items`);
    await eventually(
      () => world.sql("select 1 from pg_stat_activity where wait_event_type = 'Lock'"),
      (rows) => rows.length > 0,
    );
    return work();
  });
}

/** Whether nobody can connect any more. */
function refuses(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(Number(new URL(url).port), "127.0.0.1");
    probe.on("connect", () => resolve(false));
    probe.on("error", () => resolve(true));
    probe.end();
  });
}
