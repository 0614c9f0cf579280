// Goal: every metric that an alert looks at is one that the running programs export.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { type SandboxUnderTest, sandboxUnderTest } from "./sandbox-under-test.ts";

const RULES = join(import.meta.dirname, "../../deploy/observability/prometheus");

let sandbox: SandboxUnderTest;

beforeAll(async () => {
  sandbox = await sandboxUnderTest();
});

afterAll(() => sandbox.close());

test("every metric of the rules is exported by the controller or a service", async () => {
  const { world } = sandbox;
  const token = readFileSync(world.apiTokenFile, "utf8").trim();
  const texts = await Promise.all([
    ...world.urls.controllers.map((url) => scraped(url, { authorization: `Bearer ${token}` })),
    scraped(world.urls.edge),
    scraped(world.urls.storefront),
    scraped(`http://127.0.0.1:${portOf("fulfilment")}`),
  ]);
  const exported = new Set(
    texts.flatMap((text) => Array.from(text.matchAll(/^# TYPE (\S+)/gm), ([, name]) => name ?? "")),
  );
  const recorded = rules("recording-rules.yaml").map(({ record }) => record);

  const used = [...rules("alerts.yaml"), ...rules("recording-rules.yaml")].flatMap(metricsOf);
  const missing = [...new Set(used)].filter(
    (name) => !exported.has(name) && !exported.has(familyOf(name)) && !recorded.includes(name),
  );

  expect(used.length).toBeGreaterThan(30);
  expect(missing).toEqual([]);
  expect(texts.join("\n"), "the leader tells what it decides now").toContain(
    'cloudphoenix_decision{action="hold",application="shop"} 1',
  );
});

async function scraped(url: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await fetch(`${url}/metrics`, { headers, signal: AbortSignal.timeout(5_000) });
  expect(answer.status, url).toBe(200);
  return answer.text();
}

/** The port a replica of `workload` was told to listen on. */
function portOf(workload: string): string {
  const folder = join(sandbox.world.home, "processes");
  const processes = readdirSync(folder).map((file): { pid: number; name: string } =>
    JSON.parse(readFileSync(join(folder, file), "utf8")),
  );
  const replica = processes.find(({ name }) => name.includes(`/${workload}-`));
  const environment = readFileSync(`/proc/${replica?.pid}/environ`, "utf8").split("\0");
  return environment.find((entry) => entry.startsWith("PORT="))?.slice("PORT=".length) ?? "";
}

interface Rule {
  readonly record?: string;
  readonly expr: string;
}

function rules(file: string): readonly Rule[] {
  const { groups }: { groups: { rules: Rule[] }[] } = parse(
    readFileSync(join(RULES, file), "utf8"),
  );
  return groups.flatMap((group) => group.rules);
}

/** Names in an expression that are metrics: neither functions, labels nor keywords. */
function metricsOf({ expr }: Rule): readonly string[] {
  const bare = expr.replaceAll(/\{[^}]*\}|"[^"]*"|\b(?:by|without) ?\([^)]*\)/g, "");
  const names = bare.matchAll(/[a-z_][a-z0-9_:]*(?![a-z0-9_:]*\s*\()/g);
  return Array.from(names, ([name]) => name).filter((name) => /[_:]/.test(name));
}

/** A histogram is exported under one name and asked by three. */
function familyOf(name: string): string {
  return name.replace(/_(?:bucket|count|sum)$/, "");
}
