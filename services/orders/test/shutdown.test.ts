import { execFile } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../../packages/local-postgres/test/free-port.ts";
import {
  ask,
  DRAFT,
  eventually,
  openWorld,
  place,
  spawnService,
  withClient,
  type World,
} from "./orders-world.ts";

let world: World;

beforeAll(async () => {
  world = await openWorld();
});

afterAll(async () => {
  await world.close();
});

describe("on SIGTERM", () => {
  // Goal: no accepted request fails. Method: keep-alive clients that go on sending until an answer
  // asks them to go elsewhere, and one request that is still running when nobody can connect any more.
  test("finishes every request in flight, under load, and exits 0", async () => {
    const service = await spawnService(world, {
      // Whoever was answered before it began has come back by then, also on a busy machine.
      SHUTDOWN_DELAY_MS: "2000",
      DATABASE_POOL_MAX: "20",
      DATABASE_STATEMENT_TIMEOUT_MS: "9000",
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    const statuses: (number | string)[] = [];
    const client = async (id: number): Promise<void> => {
      for (let n = 0; ; n += 1) {
        const outcome = await post(agent, service.url, `drain-${id}-${n}`);
        statuses.push(typeof outcome === "string" ? outcome : outcome.status);
        if (typeof outcome === "string" || outcome.connection === "close") return;
      }
    };
    const clients = Array.from({ length: 16 }, (_, id) => client(id));
    await eventually(
      async () => statuses.length,
      (count) => count > 100,
    );

    const inFlight = await withLockedOrders(async () => {
      const slow = post(new Agent(), service.url, "drain-slow");
      await untilAnOrderWaits();
      service.child.kill("SIGTERM");
      const ready = await eventually(
        () => ask(`${service.url}/ready`),
        (it) => it.status === 503,
      );
      expect(ready.body["status"]).toBe("draining");
      expect(ready.headers.get("connection")).toBe("close");
      await eventually(() => refuses(service.url), Boolean);
      return { slow };
    });

    expect(await inFlight.slow).toMatchObject({ status: 201 });
    await Promise.all(clients);
    expect(await service.exit).toBe(0);
    expect(new Set(statuses)).toEqual(new Set([201]));
    agent.destroy();
  }, 60_000);

  test("leaves at the deadline when a request is stuck", async () => {
    const service = await spawnService(world, {
      SHUTDOWN_DEADLINE_MS: "300",
      DATABASE_STATEMENT_TIMEOUT_MS: "60000",
    });
    const stuck = await withStuckOrder(service.url, async () => {
      service.child.kill("SIGTERM");
      return service.exit;
    });
    expect(stuck).toBe(1);
  }, 60_000);

  test("leaves at once on a second signal", async () => {
    const service = await spawnService(world, { DATABASE_STATEMENT_TIMEOUT_MS: "60000" });
    const stuck = await withStuckOrder(service.url, async () => {
      service.child.kill("SIGTERM");
      await eventually(
        async () => service.lines.some((line) => line["msg"] === "draining"),
        Boolean,
      );
      service.child.kill("SIGTERM");
      return service.exit;
    });
    expect(stuck).toBe(1);
    expect(service.lines.map((line) => line["msg"])).not.toContain("drained");
  }, 60_000);
});

describe("the process", () => {
  test("logs one JSON line per request and nothing of its content", async () => {
    const service = await spawnService(world);
    await ask(`${service.url}/orders?key=secret-key`, { headers: { "x-request-id": "trace-me" } });
    await place(service.url, "secret-key");
    service.child.kill("SIGTERM");
    expect(await service.exit).toBe(0);

    const requests = service.lines.filter((line) => "route" in line);
    expect(requests).toHaveLength(2);
    expect(requests[0]).toMatchObject({
      level: "info",
      service: "orders",
      site: "aws-us-east-1",
      pod: "orders-1",
      requestId: "trace-me",
      method: "GET",
      route: "/orders",
      status: 404,
      code: "ORDER_NOT_FOUND",
    });
    expect(requests[1]).toMatchObject({ method: "POST", status: 201 });
    expect(JSON.stringify(service.lines)).not.toMatch(/secret-key|Ada|app-secret/);
  });

  test("is quiet at level warn", async () => {
    const service = await spawnQuiet(world);
    expect(service.lines).toEqual([]);
  });

  test("refuses to start with bad settings: names them, exits 2, shows no stack", async () => {
    const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
    const started = promisify(execFile)(process.execPath, [main], {
      env: { PATH: process.env["PATH"], PORT: "http" },
    });
    await expect(started).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /^orders cannot start:\nPORT: .*\nDATABASE_URL: must be set\n$/,
      ),
    });
  });
});

interface PostAnswer {
  readonly status: number;
  readonly connection: string | undefined;
}

/** The answer, or the code of the error that came instead. */
function post(agent: Agent, url: string, key: string): Promise<PostAnswer | string> {
  return new Promise((resolve) => {
    const sent = request(`${url}/orders`, {
      agent,
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": key },
    });
    sent.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.on("response", (response) => {
      response.resume();
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, connection: response.headers.connection }),
      );
    });
    sent.end(JSON.stringify(DRAFT));
  });
}

/** Runs `work` while an order waits for a locked table. */
function withStuckOrder<T>(url: string, work: () => Promise<T>): Promise<T> {
  return withLockedOrders(async () => {
    place(url, "stuck").catch(() => undefined);
    await untilAnOrderWaits();
    return work();
  });
}

function withLockedOrders<T>(work: () => Promise<T>): Promise<T> {
  return withClient(world.server, "app", async (holder) => {
    await holder.query("begin");
    await holder.query("lock table orders in access exclusive mode");
    return work();
  });
}

async function untilAnOrderWaits(): Promise<void> {
  await eventually(
    () =>
      world.sql(
        "select 1 from pg_stat_activity where usename = 'app' and wait_event_type = 'Lock'",
      ),
    (rows) => rows.length > 0,
  );
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

/** A run at level `warn` that serves one order and ends; it says nothing, so it gets a fixed port. */
async function spawnQuiet(in_: World): Promise<{ readonly lines: unknown[] }> {
  const port = String(await freePort());
  const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
  const child = execFile(process.execPath, [main], {
    env: { ...process.env, ...in_.environment, LOG_LEVEL: "warn", PORT: port },
  });
  let output = "";
  child.stdout?.on("data", (chunk: string) => (output += chunk));
  const url = `http://127.0.0.1:${port}`;
  await eventually(
    () => place(url, "quiet").catch(() => null),
    (answer) => answer !== null,
  );
  child.kill("SIGTERM");
  // Not "exit": what it said may still be on its way then.
  await once(child, "close");
  return { lines: output.split("\n").filter((line) => line !== "") };
}
