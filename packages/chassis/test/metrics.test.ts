// "Histograms for requests, dependencies, pools, event loop; low cardinality", and a scrape that others
// cannot make dear or wrong.
import { Gauge } from "@prometheus-io/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exposeState, Metrics } from "../src/index.ts";
import { EventLoopDelay } from "../src/observe/event-loop-delay.ts";
import { ask, eventually, openWorld, serve, withLock, type World } from "./chassis-world.ts";
import { serveWith } from "./server-world.ts";

function newMetrics(): Metrics {
  return new Metrics({ service: "test", version: "1", commit: "abc", site: "s1" });
}

describe("requests", () => {
  test("with methods of all kinds have the series of those that are known, and one more", async () => {
    const metrics = newMetrics();
    const known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    for (const method of [...known, "PROPFIND", "MKCOL", "QUERY", "BREW"]) {
      metrics.requestEnded({ method, route: "unmatched", status: 404 }, 0.001, null);
    }
    const { text } = await metrics.expose();
    const methods = [...text.matchAll(/^http_request_duration_seconds_count\{.*method="(\w+)"/gm)];
    expect(methods.map(([, method]) => method)).toEqual([...known, "other"]);
    expect(text).toContain('method="other",route="unmatched",status="404"} 4');
  });
});

test("a state is shown as it is at the scrape, and as no number while nobody can tell", async () => {
  const metrics = newMetrics();
  let state: { readonly waiting: number } | null = { waiting: 7 };
  exposeState(metrics, async () => state, [["jobs_waiting", "Jobs that wait.", "waiting"]]);
  expect((await metrics.expose()).text).toMatch(/^jobs_waiting(?:\{.*\})? 7$/m);
  state = null;
  expect((await metrics.expose()).text).toMatch(/^jobs_waiting(?:\{.*\})? NaN$/im);
});

describe("a scrape", () => {
  test("is shared by all who ask while it is made, each in its format", async () => {
    const metrics = newMetrics();
    let collected = 0;
    const gate = Promise.withResolvers<void>();
    const slow = new Gauge({
      name: "slow",
      help: "Takes its time.",
      registers: [],
      async collect() {
        collected += 1;
        await gate.promise;
        this.set(collected);
      },
    });
    metrics.registry.registerMetric(slow);
    const scrapes = Array.from({ length: 50 }, (_, n) =>
      metrics.expose(n % 2 === 0 ? "text/plain" : "application/openmetrics-text"),
    );
    gate.resolve();
    const texts = (await Promise.all(scrapes)).map(({ text }) => text);
    expect(collected).toBe(2);
    expect(texts[0]).toContain('slow{site="s1"} 1');
    expect(texts[0]).not.toContain("# EOF");
    expect(texts[1]).toContain("# EOF");
    // The next one is made anew, and one that failed is not kept.
    expect((await metrics.expose()).text).toContain('slow{site="s1"} 3');
  });

  test("that fails is not the next one's", async () => {
    const metrics = newMetrics();
    let fails = true;
    const sometimes = new Gauge({
      name: "sometimes",
      help: "Fails once.",
      registers: [],
      collect() {
        if (fails) throw new Error("planted");
      },
    });
    metrics.registry.registerMetric(sometimes);
    await expect(metrics.expose()).rejects.toThrow("planted");
    fails = false;
    expect((await metrics.expose()).text).toContain("build_info");
  });

  test("and the API's document are limited per client; what orchestrators ask is not", async () => {
    const world = await serveWith((app) => void app.get("/x", () => ({})), {
      rateLimit: { max: 3, windowMs: 60_000 },
      limits: { inFlightMax: 1_000 },
    });
    const statuses = async (path: string): Promise<number[]> => {
      const answers = [];
      for (let n = 0; n < 5; n += 1) answers.push((await ask(world.url + path)).status);
      return answers;
    };
    try {
      for (const path of ["/metrics", "/openapi.json", "/health"]) {
        expect([path, await statuses(path)]).toEqual([path, [200, 200, 200, 429, 429]]);
      }
      for (const path of ["/live", "/startup", "/ready", "/traffic", "/cloud-status"]) {
        expect([path, await statuses(path)]).toEqual([path, [200, 200, 200, 200, 200]]);
      }
      // Each has a count of its own: whoever scrapes takes nothing from whoever orders.
      expect(await statuses("/x")).toEqual([200, 200, 200, 429, 429]);
    } finally {
      await world.drain();
    }
  });

  test("of a service that is full is answered; its document is not", async () => {
    const world = await serveWith(() => undefined, { limits: { inFlightMax: 0 } });
    try {
      expect((await ask(`${world.url}/metrics`)).status).toBe(200);
      expect((await ask(`${world.url}/health`)).status).toBe(200);
      expect((await ask(`${world.url}/openapi.json`)).status).toBe(503);
    } finally {
      await world.drain();
    }
  });
});

function late(seconds: number): boolean {
  return seconds > 0.1;
}

async function block(): Promise<void> {
  await tick();
  const untilMs = performance.now() + 200;
  while (performance.now() < untilMs);
  await tick();
}

/** Long enough for the timer of the measurement to fire. */
function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}

describe("the delay of the event loop", () => {
  test("is told to every reader, and forgotten after a minute", async () => {
    let nowMs = 0;
    const delay = new EventLoopDelay(() => nowMs);
    await block();
    expect(late(delay.read()[100])).toBe(true);
    expect(late(delay.read()[100])).toBe(true);
    nowMs = 31_000;
    expect(late(delay.read()[100])).toBe(true);
    expect(late(delay.read()[100])).toBe(true);
    nowMs = 62_000;
    delay.read();
    expect(late(delay.read()[100])).toBe(false);
  });

  test("in metrics: a second scraper takes nothing from the first", async () => {
    const metrics = newMetrics();
    await block();
    const worst = async (): Promise<number> =>
      Number(
        /^nodejs_eventloop_delay_seconds\{quantile="1",site="s1"\} (.*)$/m.exec(
          (await metrics.expose()).text,
        )?.[1],
      );
    expect(late(await worst())).toBe(true);
    expect(late(await worst())).toBe(true);
  });
});

describe("the wait for a connection", () => {
  let world: World;

  beforeAll(async () => {
    world = await openWorld();
    await world.sql("create table held (id int); grant all on held to app");
  });

  afterAll(() => world.close());

  test("is a histogram: how many waited, and how long", async () => {
    const serving = await serve(
      world,
      (app, { database }) => {
        app.get("/x", () => database.query({ text: "select * from held" }));
      },
      { set: { DATABASE_POOL_MAX: "1" } },
    );
    const counted = async (): Promise<readonly number[]> => {
      const { text } = (await ask(`${serving.url}/metrics`)).body;
      const waits =
        /^database_connection_wait_seconds_bucket\{(?=.*pool="work")(?=.*le="(.+?)").*\} (\d+)$/gm;
      const counts = new Map([...String(text).matchAll(waits)].map(([, le, count]) => [le, count]));
      return [Number(counts.get("0.1") ?? 0), Number(counts.get("+Inf") ?? 0)];
    };
    try {
      // The first one also waits for the connection to be made, however long that takes.
      await ask(`${serving.url}/x`);
      const [quick = 0, all = 0] = await counted();
      const asked = await withLock(world, "held", async () => {
        const both = [ask(`${serving.url}/x`), ask(`${serving.url}/x`)];
        await eventually(() => serving.service.database.usage.work.waiting === 1);
        const sinceMs = performance.now();
        await eventually(() => performance.now() - sinceMs > 100);
        return { both };
      });
      await Promise.all(asked.both);
      expect(await counted()).toEqual([quick + 1, all + 2]);
    } finally {
      await serving.drain();
    }
  });
});
