// "/live, /ready, /startup, /health: each dependency with state, response time, last error; overall
// healthy / degraded / unhealthy, cached briefly, bounded by timeouts, never a stampede."
import { describe, expect, test } from "vitest";
import { DependencyError, Health, type DependencyCheck } from "../src/index.ts";
import { ask, eventually } from "./chassis-world.ts";
import { serveWith } from "./server-world.ts";

const IDENTITY = { site: "s1", cloud: "aws", region: "us-east-1", pod: "p1" };

function check(name: string, how: DependencyCheck["check"], critical = true): DependencyCheck {
  return { name, critical, check: how };
}

const WORKS = async (): Promise<object> => ({});
const DOWN = (): Promise<never> =>
  Promise.reject(new DependencyError("secret address 10.0.0.7 refused"));

function healthOf(...checks: DependencyCheck[]): Health {
  const health = new Health({ identity: IDENTITY, watch: null, checks });
  health.markStarted();
  return health;
}

describe("overall", () => {
  test.each([
    ["healthy", [check("db", WORKS), check("objects", WORKS, false)]],
    ["degraded", [check("db", WORKS), check("objects", DOWN, false)]],
    ["degraded", [check("db", async () => ({ degraded: "falling behind" }))]],
    ["degraded", [check("db", async () => ({ responseMs: 201 }))]],
    ["unhealthy", [check("db", DOWN), check("objects", WORKS, false)]],
  ])("is %s", async (status, checks) => {
    expect((await healthOf(...checks).report()).status).toBe(status);
  });

  test("a critical dependency that is down makes the service not ready, another one does not", async () => {
    expect(await healthOf(check("db", DOWN)).ready()).toEqual({ ok: false, status: "not ready" });
    expect(await healthOf(check("objects", DOWN, false)).ready()).toEqual({
      ok: true,
      status: "ready",
    });
  });
});

describe("each dependency", () => {
  test("has its state, response time and error, in words that are safe to publish", async () => {
    const { dependencies } = await healthOf(check("db", DOWN), check("cache", WORKS)).report();
    expect(dependencies).toEqual([
      {
        name: "db",
        status: "unhealthy",
        responseMs: expect.any(Number),
        error: "unreachable",
        lastError: { error: "unreachable", agoMs: 0 },
      },
      { name: "cache", status: "healthy", responseMs: expect.any(Number) },
    ]);
  });

  test("keeps its last error after it has recovered", async () => {
    let works = false;
    const health = healthOf(check("db", () => (works ? WORKS() : DOWN())));
    expect((await health.report()).status).toBe("unhealthy");
    works = true;
    const report = await eventually(
      () => health.report(),
      (it) => it.status === "healthy",
    );
    expect(report.dependencies[0]?.lastError?.error).toBe("unreachable");
    expect(report.dependencies[0]).not.toHaveProperty("error");
  });

  test("that does not answer is cut off, and never asked twice at once", async () => {
    let asked = 0;
    const health = healthOf({
      ...check("db", () => {
        asked += 1;
        return new Promise(() => undefined);
      }),
      timeoutMs: 50,
    });
    const reports = await Promise.all(Array.from({ length: 100 }, () => health.report()));
    expect(asked).toBe(1);
    expect(new Set(reports.map((it) => it.dependencies[0]?.error))).toEqual(new Set(["timed out"]));
    await health.report();
    expect(asked).toBe(1);
  });
});

describe("routes", () => {
  test("answer what each asker needs, and change with draining", async () => {
    let works = true;
    const world = await serveWith(() => undefined, {
      checks: [check("db", () => (works ? WORKS() : DOWN()))],
    });
    const status = async (path: string): Promise<number> => (await ask(world.url + path)).status;
    try {
      for (const path of ["/live", "/startup", "/ready", "/health", "/traffic", "/cloud-status"]) {
        expect([path, await status(path)]).toEqual([path, 200]);
      }
      works = false;
      await eventually(
        () => status("/health"),
        (it) => it === 503,
      );
      expect(await status("/ready")).toBe(503);
      expect(await status("/traffic")).toBe(503);
      // Restarting this process would not repair its database.
      expect(await status("/live")).toBe(200);
      expect(await status("/startup")).toBe(200);
      world.health.beginDraining();
      const draining = await ask(`${world.url}/ready`);
      expect([draining.status, draining.body, draining.headers.get("connection")]).toEqual([
        503,
        { status: "draining" },
        "close",
      ]);
    } finally {
      await world.drain();
    }
  });

  test("startup is 503 until what is done once is done", async () => {
    const health = new Health({ identity: IDENTITY, watch: null, checks: [] });
    expect(health.startup().ok).toBe(false);
    expect(await health.ready()).toEqual({ ok: false, status: "starting" });
    health.markStarted();
    expect(health.startup().ok).toBe(true);
  });
});
