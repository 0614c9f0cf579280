// Which traces are recorded: a share of all, and nobody outside can ask for more.
import { context, propagation, trace } from "@opentelemetry/api";
import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { TracingOptions } from "../src/index.ts";
import { portOf } from "./chassis-world.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const SAMPLED = { traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01` };
const NOT_SAMPLED = { traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-00` };
const MANY = 400;

interface Span {
  readonly traceId: string;
  readonly parentSpanId?: string;
}

let collector: Server;
const exported: Span[] = [];

beforeAll(async () => {
  collector = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      for (const { scopeSpans } of JSON.parse(body).resourceSpans) {
        for (const { spans } of scopeSpans) exported.push(...spans);
      }
      response.setHeader("content-type", "application/json").end("{}");
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
});

afterAll(() => void collector.close());

/** Spans of `count` requests to a service that is traced on these terms, and its log lines. */
async function spansOf(
  count: number,
  headers: Record<string, string>,
  terms: Pick<TracingOptions, "ratio" | "trustsCallers">,
): Promise<{ readonly spans: readonly Span[]; readonly lines: readonly object[] }> {
  // Tracing begins once in a process; a service with modules of its own begins anew.
  vi.resetModules();
  for (const api of [trace, context, propagation]) api.disable();
  exported.length = 0;
  const { startTracing } = await import("../src/index.ts");
  const { serveWith } = await import("./server-world.ts");
  const world = await serveWith((app) => void app.get("/x", () => ({})));
  const tracing = await startTracing({
    labels: { service: "t", version: "1", site: "s", pod: "p" },
    endpoint: `http://127.0.0.1:${portOf(collector)}`,
    ...terms,
  });
  try {
    for (let sent = 0; sent < count; sent += 50) {
      const batch = Array.from({ length: Math.min(50, count - sent) }, () =>
        fetch(`${world.url}/x`, { headers }).then((answer) => answer.text()),
      );
      await Promise.all(batch);
    }
  } finally {
    await world.drain();
    await tracing.stop();
  }
  return { spans: [...exported], lines: world.lines.filter(({ msg }) => msg === "request") };
}

test("none at a ratio of 0, whatever callers ask for; their trace ids are logged all the same", async () => {
  expect((await spansOf(50, {}, { ratio: 0 })).spans).toEqual([]);
  const { spans, lines } = await spansOf(50, SAMPLED, { ratio: 0 });
  expect(spans).toEqual([]);
  expect(lines).toHaveLength(50);
  expect(lines).toEqual(lines.map(() => expect.objectContaining({ traceId: TRACE_ID })));
});

test("all at a ratio of 1, as parts of their callers' traces", async () => {
  expect((await spansOf(20, {}, { ratio: 1 })).spans).toHaveLength(20);
  const { spans } = await spansOf(20, SAMPLED, { ratio: 1 });
  expect(spans).toHaveLength(20);
  expect(spans[0]).toMatchObject({ traceId: TRACE_ID, parentSpanId: "00f067aa0ba902b7" });
});

// Half of 400, give or take eight times the standard deviation.
test.each([
  ["begin here", {}],
  ["callers ask for under one id", SAMPLED],
])("the share that is set of those that %s", async (_which, headers) => {
  const { spans } = await spansOf(MANY, headers, { ratio: 0.5 });
  expect(spans.length).toBeGreaterThan(120);
  expect(spans.length).toBeLessThan(280);
});

test("what callers record, and only that, where callers are trusted", async () => {
  const trusting = { ratio: 0, trustsCallers: true };
  expect((await spansOf(20, SAMPLED, trusting)).spans).toHaveLength(20);
  expect((await spansOf(20, NOT_SAMPLED, { ...trusting, ratio: 1 })).spans).toEqual([]);
});
