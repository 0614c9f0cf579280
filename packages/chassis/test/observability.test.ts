// Logs: "one JSON line per event, redaction, level change at run time, sampling under load".
// Traces and metrics: "W3C context in, out, and through the database; histograms for requests,
// dependencies, pools, event loop, build info; exemplars; low cardinality".
import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  changeLevel,
  continueTrace,
  createLogger,
  currentTraceparent,
  LogSampler,
  startTracing,
  type Tracing,
  GuardedStorage,
  type StorageDriver,
} from "../src/index.ts";
import { ask, eventually, openWorld, serve, type Serving, type World } from "./chassis-world.ts";
import { serveWith } from "./server-world.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT = `00-${TRACE_ID}-00f067aa0ba902b7-01`;

describe("logs", () => {
  test("have one JSON line per request with everything needed to find it again", async () => {
    const world = await serveWith((app) => void app.get("/notes/:id", () => ({})));
    try {
      await ask(`${world.url}/notes/42?token=hush`, {
        headers: { "x-request-id": "r-1", traceparent: TRACEPARENT },
      });
      const lines = world.lines.filter((line) => line["msg"] === "request");
      expect(lines).toEqual([
        {
          level: "info",
          time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
          service: "test",
          version: "1",
          site: "s1",
          pod: "p1",
          requestId: "r-1",
          traceId: TRACE_ID,
          method: "GET",
          route: "/notes/:id",
          status: 200,
          durationMs: expect.any(Number),
          msg: "request",
        },
      ]);
      expect(JSON.stringify(lines)).not.toContain("hush");
    } finally {
      await world.drain();
    }
  });

  test("have no line for probes", async () => {
    const world = await serveWith(() => undefined);
    try {
      world.lines.length = 0;
      for (const path of ["/live", "/ready", "/health", "/metrics"]) await ask(world.url + path);
      expect(world.lines).toEqual([]);
    } finally {
      await world.drain();
    }
  });

  test("hide secrets and personal fields wherever they are", () => {
    const lines: string[] = [];
    const logger = createLogger({
      labels: { service: "t", version: "1", site: "s", pod: "p" },
      level: "info",
      personalFields: ["customer"],
      destination: { write: (line) => lines.push(line) },
    });
    const leak = "LEAK";
    logger.info({ password: leak, customer: leak, user: { email: leak, token: leak } });
    logger.info({ request: { headers: { authorization: leak, cookie: leak, "x-api-key": leak } } });
    logger.info({ list: [{ Password: leak }], deep: { deep: { deep: { PASSWORD: leak } } } });
    logger.child({ token: leak }).info("x");
    const circle: Record<string, unknown> = { secret: leak };
    circle["self"] = circle;
    logger.info(circle);
    logger.info({ kept: "KEPT", at: new Date(0), error: new Error("KEPT") });
    expect(lines.join("")).not.toContain(leak);
    expect(lines.join("")).toContain("KEPT");
    expect(lines.join("").match(/\[hidden\]/g)).toHaveLength(15);
    expect(lines.at(-1)).toContain('"at":"1970-01-01T00:00:00.000Z"');
  });

  test("change their level while the service runs, and change back", async () => {
    const lines: string[] = [];
    const logger = createLogger({
      labels: { service: "t", version: "1", site: "s", pod: "p" },
      level: "info",
      destination: { write: (line) => lines.push(line) },
    });
    logger.debug("before");
    const restore = changeLevel(logger, "debug", 3_600_000);
    logger.debug("during");
    restore();
    logger.debug("after");
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(["log level changed", "during"]);
    changeLevel(logger, "trace", 1);
    await eventually(() => logger.level === "info");
  });

  test("are sampled under load: all up to a limit, then one in a hundred that says so", () => {
    let nowMs = 1_000_000;
    const sampler = new LogSampler(10, () => nowMs);
    const weights = Array.from({ length: 410 }, () => sampler.weigh());
    expect(weights.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 1));
    expect(weights.slice(10).filter((weight) => weight > 0)).toEqual([100, 100, 100, 100]);
    nowMs += 1_000;
    expect(sampler.weigh()).toBe(1);
    const off = new LogSampler(0);
    expect(Array.from({ length: 50 }, () => off.weigh())).not.toContain(0);
  });

  test("keep every failure, sampled or not", async () => {
    const world = await serveWith(() => undefined, { logSampleAbove: 1 });
    try {
      await Promise.all(Array.from({ length: 20 }, () => ask(`${world.url}/nope`)));
      expect(world.lines.filter((line) => line["code"] === "NOT_FOUND")).toHaveLength(20);
    } finally {
      await world.drain();
    }
  });
});

describe("metrics", () => {
  test("show requests, dependencies, pools, event loop, process and build", async () => {
    const world = await openWorld();
    const serving = await serve(world, (app, { database }) => {
      app.get("/x", () => database.query({ text: "select 1" }));
    });
    try {
      await ask(`${serving.url}/x`);
      const { text } = (await ask(`${serving.url}/metrics`)).body;
      for (const line of [
        'http_request_duration_seconds_count{site="aws-us-east-1",method="GET",route="/x",status="200"} 1',
        'dependency_call_duration_seconds_count{site="aws-us-east-1",dependency="database",outcome="ok"} 1',
        'database_connections{pool="work",state="idle",site="aws-us-east-1"} 1',
        'nodejs_eventloop_delay_seconds{quantile="0.99",site="aws-us-east-1"}',
        'process_resident_memory_bytes{site="aws-us-east-1"} ',
        'process_cpu_seconds_total{site="aws-us-east-1"} ',
        'secret_written_timestamp_seconds{secret="database-password",site="aws-us-east-1"} ',
        'secret_stale{secret="database-password",site="aws-us-east-1"} 0',
        'build_info{service="test",version="1.2.3",commit="unknown",',
      ]) {
        expect(text).toContain(line);
      }
    } finally {
      await serving.drain();
      await world.close();
    }
  });

  test("have a number of series that requests cannot change", async () => {
    const world = await serveWith((app) => void app.get("/x/:id", () => ({})));
    const series = async (): Promise<number> =>
      String((await ask(`${world.url}/metrics`)).body["text"])
        .split("\n")
        .filter((line) => line.startsWith("http_")).length;
    try {
      const hostile = (n: number): Promise<unknown>[] => [
        ask(`${world.url}/x/${n}?q=${n}`),
        ask(`${world.url}/scan/${n}.php`),
        ask(`${world.url}/x/${n}`, { method: "DELETE" }),
        ask(`${world.url}/x/${n}`, {
          headers: { "x-request-id": `id-${n}`, "user-agent": `a${n}` },
        }),
      ];
      await Promise.all(hostile(0));
      await series();
      const before = await series();
      for (let n = 1; n <= 100; n += 1) await Promise.all(hostile(n));
      expect(await series()).toBe(before);
    } finally {
      await world.drain();
    }
  });

  test("speak OpenMetrics to those who ask for it, and the old format after that unchanged", async () => {
    const world = await serveWith(() => undefined);
    const scrape = (accept: string): ReturnType<typeof ask> =>
      ask(`${world.url}/metrics`, { headers: { accept } });
    try {
      const old = await scrape("text/plain");
      const [open, ...rest] = await Promise.all([
        scrape("application/openmetrics-text; version=1.0.0"),
        scrape("text/plain"),
        scrape("application/openmetrics-text"),
      ]);
      expect(open?.headers.get("content-type")).toContain("application/openmetrics-text");
      expect(String(open?.body["text"])).toMatch(/# EOF\n$/);
      expect(old.headers.get("content-type")).toContain("text/plain");
      expect(rest[0]?.body["text"]).toContain("# TYPE http_connections_refused_total counter");
      expect(rest[0]?.body["text"]).not.toContain("# EOF");
    } finally {
      await world.drain();
    }
  });
});

describe("traces", () => {
  const storage = new GuardedStorage(new NothingStored(), { address: "s3://receipts" });
  interface OtlpSpan {
    readonly traceId: string;
    readonly spanId: string;
    readonly parentSpanId?: string;
    readonly name: string;
    readonly attributes: readonly OtlpAttribute[];
  }
  interface OtlpAttribute {
    readonly key: string;
    readonly value: { readonly stringValue?: string; readonly intValue?: number };
  }
  const spans: OtlpSpan[] = [];
  const resources: OtlpAttribute[] = [];
  const seen: (string | undefined)[] = [];
  let world: World;
  let collector: Server;
  let neighbour: Server;
  let tracing: Tracing;
  let serving: Serving;

  beforeAll(async () => {
    world = await openWorld();
    collector = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += chunk));
      request.on("end", () => {
        const { resourceSpans } = JSON.parse(body);
        for (const { resource, scopeSpans } of resourceSpans) {
          resources.push(...resource.attributes);
          for (const scope of scopeSpans) spans.push(...scope.spans);
        }
        response.setHeader("content-type", "application/json").end("{}");
      });
    });
    neighbour = createServer((request, response) => {
      seen.push(request.headers["traceparent"] as string | undefined);
      response.end("ok");
    });
    await Promise.all([listen(collector), listen(neighbour)]);
    tracing = await startTracing({
      labels: { service: "t", version: "1", site: "s", pod: "p" },
      endpoint: urlOf(collector),
      ratio: 1,
    });
    serving = await serve(world, (app, { database }) => {
      app.post("/work", async () => {
        const [row] = await database.query<{ query: string }>({
          name: "own-activity",
          text: "select query from pg_stat_activity where pid = pg_backend_pid()",
        });
        const [looked] = await database.lookup<{ query: string; value: number }>({
          name: "own-lookup",
          text: "select query, $1::int as value from pg_stat_activity where pid = pg_backend_pid()",
          values: [7],
        });
        await (await fetch(urlOf(neighbour))).text();
        await storage.head("receipts/1.json");
        return { query: row?.query, looked, traceparent: currentTraceparent() };
      });
    });
  });

  afterAll(async () => {
    await serving.drain();
    collector.close();
    neighbour.close();
    await world.close();
  });

  test("come in by header, go through the database, out to other services, and to the collector", async () => {
    const answer = await ask(`${serving.url}/work`, {
      method: "POST",
      headers: { traceparent: TRACEPARENT, "content-type": "application/json" },
      body: "{}",
    });
    expect(answer.body["query"]).toContain(`/*traceparent='00-${TRACE_ID}-`);
    expect(answer.body["looked"]).toEqual({
      query: expect.stringContaining(`/*traceparent='00-${TRACE_ID}-`),
      value: 7,
    });
    expect(answer.body["traceparent"]).toContain(`00-${TRACE_ID}-`);
    expect(seen.at(-1)).toContain(`00-${TRACE_ID}-`);
    const handed = await continueTrace(TRACEPARENT, "later", async () => currentTraceparent());
    expect(handed).toContain(TRACE_ID);
    expect(currentTraceparent()).toBeNull();

    await tracing.stop();
    const own = spans.filter((span) => span.traceId === TRACE_ID);
    const server = own.find((span) => span.name === "POST /work");
    expect(server?.parentSpanId).toBe("00f067aa0ba902b7");
    expect(own.find((span) => span.name === "db own-activity")?.parentSpanId).toBe(server?.spanId);
    expect(own.find((span) => span.name === "db own-lookup")?.parentSpanId).toBe(server?.spanId);
    expect(own.some((span) => span.name === "GET")).toBe(true);
    const head = own.find((span) => span.name === "storage head");
    expect(head?.parentSpanId).toBe(server?.spanId);
    expect(own.some((span) => span.name === "later")).toBe(true);
    const metrics = await ask(`${serving.url}/metrics`, {
      headers: { accept: "application/openmetrics-text" },
    });
    expect(metrics.body["text"]).toContain(`# {trace_id="${TRACE_ID}"}`);
  });

  test("say whose they are and what was asked, by the names that data sources link by", () => {
    const said = Object.fromEntries(
      [...resources, ...(spans.find(({ name }) => name === "POST /work")?.attributes ?? [])].map(
        ({ key, value }) => [key, value.stringValue ?? value.intValue],
      ),
    );
    expect(said).toMatchObject({
      "service.name": "t",
      "service.version": "1",
      "service.instance.id": "p",
      "cloudphoenix.site": "s",
      "http.request.method": "POST",
      "http.route": "/work",
      "http.response.status_code": 200,
    });
  });

  test("are not made for probes", () => {
    expect(spans.filter((span) => /live|ready|health|metrics/.test(span.name))).toEqual([]);
  });
});

/** A store with nothing in it. */
class NothingStored implements StorageDriver {
  put = async (): Promise<string> => "etag";
  get = async (): Promise<null> => null;
  head = async (): Promise<null> => null;
  delete = async (): Promise<void> => undefined;
  check = async (): Promise<void> => undefined;
  close = async (): Promise<void> => undefined;
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
}

function urlOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return `http://127.0.0.1:${address.port}`;
}
