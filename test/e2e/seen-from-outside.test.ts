// Goal: what the programs tell of themselves is what people are told to look at, and a visitor is served
// through the loss of a cloud. One sandbox for both: it is read first, and loses its cloud last.
// Metrics: every metric that an alert or a dashboard looks at is one that the running programs export,
// and everything they export is documented. Every kind of program runs in this sandbox, the worker too.
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { readFiles } from "../../deploy/observability/validation/src/files.ts";
import { askedIn, askableMetrics } from "../../deploy/observability/validation/src/metric-usage.ts";
import { readPromql } from "../../deploy/observability/validation/src/read-promql.ts";
import { type SandboxUnderTest, sandboxUnderTest, until } from "./sandbox-under-test.ts";

const PATIENCE_MS = 40_000;

const files = readFiles();

let sandbox: SandboxUnderTest;
/** What every kind of program answers to Prometheus. */
let texts: readonly string[];

beforeAll(async () => {
  sandbox = await sandboxUnderTest({ durability: "barrier", objects: true });
  const { urls } = sandbox.world;
  const worker = urls.worker ?? "";
  // Until it follows it knows nothing of the copy, and has no such series.
  await until(
    "a worker that follows",
    () => scraped(worker),
    (text) => text.includes("cloudphoenix_object_backlog_seconds{"),
  );
  texts = await Promise.all(
    [
      ...urls.controllers,
      ...agentUrls(),
      urls.edge,
      urls.storefront,
      worker,
      `http://127.0.0.1:${portOf("fulfilment")}`,
    ].map(scraped),
  );
});

afterAll(() => sandbox.close());

/** Labels of each series by its full name, `_bucket` and the like included. */
function liveSeries(): ReadonlyMap<string, ReadonlySet<string>> {
  const series = new Map<string, Set<string>>();
  for (const line of texts.join("\n").split("\n")) {
    const [, name, inside = ""] = /^([a-z_]\w*)(?:\{(.*)\})? /i.exec(line) ?? [];
    if (name === undefined) continue;
    const labels = [...inside.matchAll(/(\w+)="/g)].map(([, label]) => label ?? "");
    series.set(name, new Set([...(series.get(name) ?? []), ...labels]));
  }
  return series;
}

/** Names without those suffixes, whether they have a series yet or not. */
function liveFamilies(): ReadonlySet<string> {
  return new Set(
    texts.flatMap((text) => Array.from(text.matchAll(/^# TYPE (\S+)/gm), ([, name]) => name ?? "")),
  );
}

test("every metric of rules, dashboards and the guide is exported by a running program", () => {
  const families = liveFamilies();
  const elsewhere = [...askableMetrics(files).keys()].filter(
    (name) => !files.metrics.some((metric) => familyOf(name) === metric.name),
  );

  const asked = askedIn(files).flatMap(({ expr }) => readPromql(expr).selectors);
  const names = new Set(asked.map(({ metric }) => metric));
  const missing = [...names].filter(
    (name) => !families.has(familyOf(name)) && !elsewhere.includes(name),
  );

  expect(names.size).toBeGreaterThan(60);
  expect(missing).toEqual([]);
});

test("every metric that a running program exports is documented, and the other way round", () => {
  const documented = files.metrics.map(({ name }) => name);
  expect([...liveFamilies()].toSorted()).toEqual(documented.toSorted());
  const reference = readFileSync(
    join(import.meta.dirname, "../../docs/reference/metrics.md"),
    "utf8",
  );
  expect(documented.filter((name) => !reference.includes(`\`${name}\``))).toEqual([]);
});

test("every series has just the labels that are documented", () => {
  const series = liveSeries();
  for (const [name, labels] of askableMetrics(files)) {
    const live = series.get(name);
    if (live === undefined) continue;
    expect([...live].toSorted(), name).toEqual([...new Set(labels)].toSorted());
  }
});

test("the leader tells what it decides now, for its application", async () => {
  // It may just have been healing something when the others were read.
  await until("a decision to hold", controllersNow, (text) =>
    text.includes('cloudphoenix_decision{action="hold",application="shop"} 1'),
  );
});

test("the worker tells how far the copy of the objects is, from where to where", () => {
  expect(texts.join("\n")).toMatch(
    /^cloudphoenix_object_backlog_seconds\{from="aws-.+",to="azure-.+",application="shop"\} /m,
  );
});

// A visitor who orders while a cloud is lost is told what happens and how the shop is, has ordered once,
// and gets a receipt.
test("the page follows the application, and an order sent again and again is placed once", async () => {
  const url = sandbox.world.urls.storefront;
  await until("the first page", () => page("/status"), isServedBy("AWS"));
  await until("the score", () => page("/"), saysScore);
  const before = await orderUntilTaken(url, randomUUID());
  await sandbox.world.breakIt("region-isolation");

  const during = await orderUntilTaken(url, randomUUID());

  expect(during).not.toBe(before);
  await until(
    "the name of the new site",
    () => page("/status"),
    (text) => text.includes("Azure, westeurope"),
  );
  await until("the score of the new site", () => page("/status"), saysScore);
  for (const path of [before, during]) {
    await until(`${path} being fulfilled`, () => page(`${path}/state`), saysFulfilled);
    await until(`the receipt of ${path}`, () => page(`${path}/receipt`), isReceipt);
  }
  const list = await until(
    "the list",
    () => page("/"),
    (text) => ordersIn(text) > 0,
  );
  expect(ordersIn(list)).toBe(2);
}, 120_000);

async function controllersNow(): Promise<string> {
  return (await Promise.all(sandbox.world.urls.controllers.map(scraped))).join("\n");
}

/** Whatever may be scraped needs no token. */
async function scraped(url: string): Promise<string> {
  const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5_000) });
  expect(answer.status, url).toBe(200);
  return answer.text();
}

function agentUrls(): readonly string[] {
  const { vantages }: { vantages: { agent?: { url: string } }[] } = parse(
    readFileSync(sandbox.world.configFile, "utf8"),
  );
  return vantages.flatMap(({ agent }) => (agent === undefined ? [] : [agent.url]));
}

/** The port a replica of `workload` was told to listen on. */
function portOf(workload: string): string {
  const folder = join(sandbox.world.home, "processes");
  const processes = readdirSync(folder).flatMap((file): { pid: number; name: string }[] => {
    try {
      return [JSON.parse(readFileSync(join(folder, file), "utf8"))];
    } catch {
      // Another process has just ended, or has just begun.
      return [];
    }
  });
  const replica = processes.find(({ name }) => name.includes(`/${workload}-`));
  const environment = readFileSync(`/proc/${replica?.pid}/environ`, "utf8").split("\0");
  return environment.find((entry) => entry.startsWith("PORT="))?.slice("PORT=".length) ?? "";
}

/** A histogram is exported under one name and asked by three. */
function familyOf(name: string): string {
  return name.replace(/_(?:bucket|count|sum)$/, "");
}

async function page(path: string): Promise<string> {
  const url = `${sandbox.world.urls.storefront}${path}`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  return answer.text();
}

function isServedBy(cloud: string): (text: string) => boolean {
  return (text) => text.includes(cloud) && text.includes("Orders are taken.");
}

function saysFulfilled(text: string): boolean {
  return text.includes("fulfilled");
}

function saysScore(text: string): boolean {
  return /<dt>Score<\/dt><dd class="\w+">\d+, [a-z ]+<\/dd>/.test(text);
}

function ordersIn(text: string): number {
  return text.match(/<td><a href="\/orders\/\d+">/g)?.length ?? 0;
}

function isReceipt(text: string): boolean {
  return text.includes("<dd>Ada</dd>") && text.includes("Rope, 20 m");
}

/** Sends the same form again, as its page does, until there is an order; where it is shown. */
async function orderUntilTaken(url: string, key: string): Promise<string> {
  const body = new URLSearchParams({ key, customer: "Ada", sku: "rope-20", quantity: "2" });
  const endsAtMs = Date.now() + PATIENCE_MS;
  while (Date.now() < endsAtMs) {
    const place = await placed(url, body);
    if (place !== null) return place;
    await sleep(200);
  }
  throw new Error(`no order within ${PATIENCE_MS} ms`);
}

async function placed(url: string, body: URLSearchParams): Promise<string | null> {
  const options = { method: "POST", body, redirect: "manual" } as const;
  try {
    const signal = AbortSignal.timeout(2_000);
    const answer = await fetch(`${url}/orders`, { ...options, signal });
    await answer.arrayBuffer();
    return answer.status === 303 ? answer.headers.get("location") : null;
  } catch {
    // Cut off: sent again.
    return null;
  }
}
