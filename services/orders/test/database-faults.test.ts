import { readdirSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  ask,
  eventually,
  openWorld,
  place,
  serve,
  spawnService,
  withClient,
  type Answer,
  type World,
} from "./orders-world.ts";

let world: World;

beforeEach(async () => {
  world = await openWorld();
});

afterEach(async () => {
  await world.close();
});

// Goal: a dead database costs requests, never the process, and no acknowledged order.
test("survives kill -9 and restart of the database under load", async () => {
  const service = await spawnService(world);
  const load = startLoad(service.url, 8);
  try {
    await eventually(
      async () => load.acknowledged.size,
      (size) => size > 50,
    );
    await world.server.killHard();
    const health = await eventually(
      () => ask(`${service.url}/health`),
      // On a busy machine a look may be over before it is refused.
      (it) => it.status === 503 && JSON.stringify(it.body).includes("unreachable"),
    );
    expect(health.body).toMatchObject({ status: "unhealthy", role: "unknown", writesOpen: false });
    expect(health.body["dependencies"]).toMatchObject([
      { name: "database", status: "unhealthy", error: "unreachable" },
      { name: "writer-lease", status: "healthy" },
    ]);
    expect((await ask(`${service.url}/ready`)).status).toBe(503);
    expect((await ask(`${service.url}/live`)).status).toBe(200);
    expect((await ask(`${service.url}/cloud-status`)).body).toMatchObject({
      site: "aws-us-east-1",
      role: "unknown",
    });
    await eventually(async () => load.codes.has("DATABASE_UNAVAILABLE"), Boolean);

    const before = load.acknowledged.size;
    await world.server.start();
    await eventually(
      async () => load.acknowledged.size,
      (size) => size > before + 50,
    );
    expect(
      (
        await eventually(
          () => ask(`${service.url}/ready`),
          (it) => it.status === 200,
        )
      ).status,
    ).toBe(200);
  } finally {
    await load.stop();
    service.child.kill("SIGTERM");
  }
  expect(await service.exit).toBe(0);
  expect([...load.codes].filter((code) => code === "INTERNAL")).toEqual([]);
  const stored = await world.sql("select key, order_id::text as id from idempotency_keys");
  const byKey = new Map(stored.map((row) => [row["key"], row["id"]]));
  for (const [key, id] of load.acknowledged) expect(byKey.get(key)).toBe(id);
}, 60_000);

test("answers in time while the database is frozen, and recovers", async () => {
  const service = await serve(world, { DATABASE_STATEMENT_TIMEOUT_MS: "300" });
  try {
    await eventually(
      () => place(service.url, "warm"),
      ({ status }) => status < 300,
    );
    const pids = sessionPids(world);
    for (const pid of pids) signal(pid, "SIGSTOP");
    let frozen: readonly Answer[];
    let health: Answer;
    try {
      frozen = await Promise.all(["f1", "f2", "f3"].map((key) => place(service.url, key)));
      health = await ask(`${service.url}/health`);
    } finally {
      for (const pid of pids) signal(pid, "SIGCONT");
    }
    for (const answer of frozen) {
      expect(["DATABASE_TIMEOUT", "DATABASE_UNAVAILABLE"]).toContain(answer.body["code"]);
      expect(answer.headers.get("retry-after")).toBe("1");
    }
    expect(frozen.map((answer) => answer.body["code"])).toContain("DATABASE_TIMEOUT");
    // "unreachable" if even the wait for a connection was longer than a look may take.
    expect(health.body).toMatchObject({
      status: "unhealthy",
      dependencies: [
        { error: expect.stringMatching(/^(timed out|unreachable)$/u) },
        { name: "writer-lease" },
      ],
    });

    const retried = await eventually(
      () => place(service.url, "f1"),
      (it) => it.status < 300,
    );
    expect((await ask(`${service.url}/orders?key=f1`)).body["id"]).toBe(retried.body["id"]);
  } finally {
    await service.drain();
  }
}, 60_000);

test("a statement that takes too long is 504 and tells to retry with the same key", async () => {
  const service = await serve(world, { DATABASE_STATEMENT_TIMEOUT_MS: "200" });
  try {
    const answer = await withLock(world, "orders", () => place(service.url, "slow"));

    expect([answer.status, answer.body["code"]]).toEqual([504, "DATABASE_TIMEOUT"]);
    expect(answer.body["detail"]).toContain("same idempotency key");
    // Nothing holds it up any more; a busy machine may need another try.
    await eventually(
      () => place(service.url, "slow"),
      ({ status }) => status < 300,
    );
  } finally {
    await service.drain();
  }
});

test("a database that answers slowly is degraded, one that does not answer in time unhealthy", async () => {
  const service = await serve(world);
  try {
    await ask(`${service.url}/health`);
    const unhealthy = await withLock(world, "cloudphoenix.site", () =>
      eventually(
        () => ask(`${service.url}/health`),
        (it) => it.status === 503,
      ),
    );
    expect(unhealthy.body["dependencies"]).toMatchObject([
      { status: "unhealthy", error: "timed out" },
      { name: "writer-lease" },
    ]);

    const degraded = await eventually(
      () => askSlowly(service.url, 230),
      // On a busy machine a look may take longer than intended and count as none at all.
      (answer) => answer.body["status"] !== "unhealthy",
    );
    expect([degraded.status, degraded.body["status"]]).toEqual([200, "degraded"]);
    expect(degraded.body["dependencies"]).toMatchObject([
      { status: "degraded", responseMs: expect.toSatisfy((ms: number) => ms > 200) },
      { name: "writer-lease", status: "healthy" },
    ]);
  } finally {
    await service.drain();
  }
}, 60_000);

test("refuses new requests when too many wait for a connection, and keeps answering probes", async () => {
  const service = await serve(world, { DATABASE_POOL_MAX: "1" });
  try {
    const answers = await withLock(world, "orders", async () => {
      const requests = Array.from({ length: 60 }, (_, n) => place(service.url, `crowd-${n}`));
      const refused = await Promise.race(
        requests.map(async (request) => {
          const answer = await request;
          return answer.body["code"] === "SATURATED" ? answer : new Promise<never>(() => undefined);
        }),
      );
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
      // Refused at once, not after a wait in vain.
      expect(refused.body["detail"]).toBe("Too many requests wait for the database.");
      await eventually(
        () => ask(`${service.url}/health`),
        (health) => health.status === 200,
      );
      return requests;
    });
    const codes = (await Promise.all(answers)).map((answer) => answer.body["code"] ?? "ok");
    expect(codes.filter((code) => code === "SATURATED").length).toBeGreaterThanOrEqual(39);
    expect((await place(service.url, "after the crowd".replaceAll(" ", "-"))).status).toBe(201);
  } finally {
    await service.drain();
  }
});

test("starts without a database and without its tables, and becomes ready when they are there", async () => {
  await world.sql("alter table orders rename to hidden");
  await world.server.stop("immediate");
  const service = await serve(world);
  try {
    expect((await ask(`${service.url}/ready`)).status).toBe(503);
    expect((await ask(`${service.url}/live`)).status).toBe(200);
    await world.server.start();
    await eventually(
      () => ask(`${service.url}/ready`),
      (it) => it.status === 200,
    );
    expect((await place(service.url, "early")).body["code"]).toBe("DATABASE_UNAVAILABLE");
    await world.sql("alter table hidden rename to orders");
    expect(
      (
        await eventually(
          () => place(service.url, "early"),
          (it) => it.status < 300,
        )
      ).status,
    ).toBe(201);
  } finally {
    await service.drain();
  }
});

interface Load {
  readonly acknowledged: ReadonlyMap<string, string>;
  readonly codes: ReadonlySet<string>;
  stop(): Promise<void>;
}

/** Clients that place one order after another and remember what they were promised. */
function startLoad(url: string, clients: number): Load {
  const acknowledged = new Map<string, string>();
  const codes = new Set<string>();
  const stopped = new AbortController();
  const client = async (id: number): Promise<void> => {
    for (let n = 0; !stopped.signal.aborted; n += 1) {
      const key = `load-${id}-${n}`;
      const answer = await place(url, key);
      if (answer.status < 300) acknowledged.set(key, String(answer.body["id"]));
      else codes.add(String(answer.body["code"]));
    }
  };
  const clientsDone = Promise.all(Array.from({ length: clients }, (_, id) => client(id)));
  return {
    acknowledged,
    codes,
    stop: async () => {
      stopped.abort();
      await clientsDone;
    },
  };
}

/** Runs `work` while another session holds `table` so that nobody can read or write it. */
async function withLock<T>(in_: World, table: string, work: () => Promise<T>): Promise<T> {
  return withClient(in_.server, "app", async (holder) => {
    await holder.query("begin");
    await holder.query(`lock table ${table} in access exclusive mode`);
    return work();
  });
}

/** Asks for health while the database makes the look wait for at least `ms`. */
async function askSlowly(url: string, ms: number): Promise<Answer> {
  await pause(260); // until the last answer is too old to be given again
  const asked = await withLock(world, "cloudphoenix.site", async () => {
    const answer = ask(`${url}/health`);
    await eventually(
      () => world.sql("select pid from pg_stat_activity where wait_event_type = 'Lock'"),
      (rows) => rows.length > 0,
    );
    await pause(ms);
    return { answer };
  });
  return asked.answer;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A session may have ended since it was listed. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone.
  }
}

/** The server and every session of it: children of the postmaster. */
function sessionPids(of: World): number[] {
  const postmaster = of.server.pid();
  if (postmaster === null) throw new Error("the server does not run");
  const children = readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === postmaster;
    } catch {
      return false;
    }
  });
  return [postmaster, ...children.map(Number)];
}
