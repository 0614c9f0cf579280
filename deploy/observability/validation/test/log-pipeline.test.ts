// What the pipeline reads is what the loggers write: lines of the real loggers go through the stages
// of the real configuration, and what is asked of logs finds them.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger } from "@cloudphoenix/chassis";
import { openLog } from "@cloudphoenix/process";
import { expect, onTestFinished, test } from "vitest";
import { serveWith } from "../../../../packages/chassis/test/server-world.ts";
import { parseAlloy } from "../src/alloy/parse-alloy.ts";
import { jsonFieldsOf, runPipeline } from "../src/alloy/run-pipeline.ts";
import { readFiles } from "../src/files.ts";
import { readLogql } from "../src/read-logql.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const files = readFiles();
const blocks = parseAlloy(files.alloy);

/** The lines of a request to a service that stands on the chassis. */
async function linesOfRequest(path: string): Promise<readonly string[]> {
  const lines: string[] = [];
  const logger = createLogger({
    labels: { service: "orders", version: "1", site: "aws-us-east-1", pod: "orders-1" },
    level: "info",
    destination: { write: (line) => lines.push(line) },
  });
  const world = await serveWith(
    (app) => {
      app.get("/fine", () => ({}));
      app.get("/defect", () => {
        throw new TypeError("nobody thought of it");
      });
    },
    { logger },
  );
  await fetch(`${world.url}${path}`, {
    headers: { "x-request-id": "r-1", traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01` },
  });
  await world.drain();
  return lines.filter((line) => line.includes("r-1"));
}

test("a request of a service is found by its request id and by its trace", async () => {
  const [line = ""] = await linesOfRequest("/fine");
  const processed = runPipeline(blocks, line, { app: "orders", pod: "orders-1", uid: "7" });
  expect(processed.labels).toEqual({ app: "orders", level: "info", site: "<site>" });
  expect(processed.metadata).toEqual({ pod: "orders-1", request_id: "r-1", trace_id: TRACE_ID });
  expect(processed.time?.toISOString()).toBe(JSON.parse(line).time);
  expect(processed.line).toBe(line);
});

test("every field that the pipeline reads is one that the chassis writes", async () => {
  const [line = ""] = await linesOfRequest("/fine");
  expect(Object.keys(JSON.parse(line))).toEqual(expect.arrayContaining([...jsonFieldsOf(blocks)]));
});

test.each(["controller", "worker", "agent"])("the %s's lines have a level and a time", (app) => {
  const folder = mkdtempSync(join(tmpdir(), "observability-log-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "program.log");
  const log = openLog({ level: "info", file, base: { service: app } });
  log.warn({ requestId: "r-2" }, "a look at the state failed");
  const line = readFileSync(file, "utf8").trim();
  const processed = runPipeline(blocks, line, { app, pod: `${app}-1` });
  expect(processed.labels).toEqual({ app, level: "warn", site: "<site>" });
  expect(processed.metadata).toEqual({ pod: `${app}-1`, request_id: "r-2" });
  expect(processed.time?.toISOString()).toBe(JSON.parse(line).time);
});

test("what a program says before it has a logger is found, too", () => {
  const processed = runPipeline(blocks, "agent cannot start: no file", { app: "agent", pod: "a" });
  expect(processed.labels).toEqual({ app: "agent", level: "unknown", site: "<site>" });
  expect(processed.time).toBeNull();
});

test("a request can make neither labels nor streams", async () => {
  const [line = ""] = await linesOfRequest("/fine?level=x&app=y&site=z");
  const { labels } = runPipeline(blocks, line, { app: "orders", pod: "orders-1" });
  expect(labels).toEqual({ app: "orders", level: "info", site: "<site>" });
});

test("the alert on defects counts the line of a defect and no other", async () => {
  const [alert] = files.logAlerts;
  const defects = await linesOfRequest("/defect");
  const fine = await linesOfRequest("/fine");
  const counts = (line: string): boolean => isAsked(alert?.expr ?? "", line);
  expect(defects.filter(counts)).toHaveLength(1);
  expect(fine.filter(counts)).toEqual([]);
});

test("links from lines lead to their trace and to all lines of their request", async () => {
  const [line = ""] = await linesOfRequest("/fine");
  const found = derivedFields().map(({ name, matcherRegex, url }) => {
    const value = new RegExp(matcherRegex).exec(line)?.[1] ?? "";
    return [name, url.replace("$${__value.raw}", value)];
  });
  expect(found).toEqual([
    ["trace", TRACE_ID],
    ["request", '{app=~".+"} | request_id = `r-1`'],
  ]);
});

interface DerivedField {
  readonly name: string;
  readonly matcherRegex: string;
  readonly url: string;
}

function derivedFields(): readonly DerivedField[] {
  const loki = files.dataSources.find(({ type }) => type === "loki");
  if (loki === undefined) throw new Error("there is no data source for logs");
  const { derivedFields: fields } = loki.jsonData as { derivedFields: DerivedField[] };
  return fields;
}

/** Whether an expression's equalities hold for a line; all that the alerts on logs use. */
function isAsked(expression: string, line: string): boolean {
  const { labels, metadata } = runPipeline(blocks, line, { app: "orders", pod: "orders-1" });
  const { streamLabels, filterLabels, errors } = readLogql(expression);
  const known = { ...JSON.parse(line), ...metadata, ...labels };
  const equalities = [...expression.matchAll(/(\w+)\s*=\s*[`"]([^`"]*)[`"]/g)];
  expect(errors).toEqual([]);
  expect(equalities).toHaveLength(streamLabels.length + filterLabels.length);
  return equalities.every(([, name = "", value]) => known[name] === value);
}
