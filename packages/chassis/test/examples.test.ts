// Every example in the documentation is run as it stands, against a real PostgreSQL.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { IDEMPOTENCY_TABLE } from "../src/index.ts";
import { freePort } from "../../local-postgres/test/free-port.ts";
import { ask, eventually, openWorld, type World } from "./chassis-world.ts";

const CONCEPTS = await examplesOf("../../../docs/concepts/chassis.md");
const GUIDE = await examplesOf("../../../docs/guides/service-that-survives-a-failover.md");

let world: World;
let directory: string;

beforeAll(async () => {
  world = await openWorld();
  // Inside the package, so that the examples find what they import.
  directory = await mkdtemp(fileURLToPath(new URL("./.examples-", import.meta.url)));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
  await world.close();
});

test("the page on concepts has an example for each part", () => {
  expect(CONCEPTS.map((it) => it.title)).toEqual([
    "The acknowledgement fence",
    "The acknowledgement fence",
    "Errors",
    "Resilience",
    "Database",
    "Database",
    "Objects",
    "Settings and secrets",
    "Health",
    "HTTP, limits, shutdown",
    "Logs, metrics, traces",
    "Logs, metrics, traces",
    "Logs, metrics, traces",
  ]);
});

test.each(CONCEPTS)("$title (example $number)", async ({ code, number }) => {
  const file = join(directory, `example-${number}.ts`);
  await writeFile(file, code);
  // Its assertions end the process with another code than 0.
  const run = promisify(execFile)(process.execPath, [file], {
    env: { ...process.env, ...world.environment },
  });
  expect(await run).toMatchObject({ stderr: "" });
});

test("the service of the guide stores a note once and finds it again", async () => {
  const file = join(directory, "guide.ts");
  await writeFile(file, GUIDE[0]?.code ?? "");
  await world.sql(`drop table if exists notes; create table notes (id bigint generated always as identity primary key, body text not null);
    ${IDEMPOTENCY_TABLE} grant all on all tables in schema public to app`);
  const port = await freePort();
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, ...world.environment, PORT: String(port) },
    stdio: "inherit",
  });
  const exit = new Promise((resolve) => child.on("exit", resolve));
  const url = `http://127.0.0.1:${port}`;
  try {
    await eventually(
      () => ask(`${url}/ready`).catch(() => null),
      (it) => it?.status === 200,
    );
    const place = (): ReturnType<typeof ask> =>
      ask(`${url}/notes`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": "k1" },
        body: '{"body":"tea"}',
      });
    const [first, second] = [await place(), await place()];
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.body).toEqual(first.body);
    expect((await ask(`${url}/notes/${String(first.body["id"])}`)).body).toEqual(first.body);
  } finally {
    child.kill("SIGTERM");
  }
  expect(await exit).toBe(0);
});

interface Example {
  /** The heading it stands under. */
  readonly title: string;
  readonly number: number;
  readonly code: string;
}

async function examplesOf(page: string): Promise<readonly Example[]> {
  const text = await readFile(new URL(page, import.meta.url), "utf8");
  let title = "";
  const examples: Example[] = [];
  for (const match of text.matchAll(/^## (.+)$|^```ts\n([\s\S]*?)^```$/gm)) {
    if (match[1] !== undefined) title = match[1];
    else examples.push({ title, number: examples.length + 1, code: match[2] ?? "" });
  }
  return examples;
}
