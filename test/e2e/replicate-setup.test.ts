// Goal: a table that a release adds at both sites is complained about, and one command takes it up;
// whoever is cut off while it copies loses nothing.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { EXIT_CODES } from "@cloudphoenix/cli";
import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { type SandboxUnderTest, sandboxUnderTest, until } from "./sandbox-under-test.ts";

const MAIN = join(import.meta.dirname, "../../apps/cli/src/main.ts");
const HOME = "aws-us-east-1";
const AWAY = "azure-westeurope";

let sandbox: SandboxUnderTest;

beforeAll(async () => {
  sandbox = await sandboxUnderTest();
}, 120_000);

afterAll(() => sandbox.close());

test("a table that came later at both sites is taken up by one command", async () => {
  for (const site of [AWAY, HOME])
    await sql(site, "create table public.parcels (id int primary key)");
  await sql(HOME, "insert into public.parcels values (1)");
  await until(
    "the complaint",
    differences,
    (found) => found.some((one) => one.includes("table public.parcels is not replicated")),
    60_000,
  );
  expect((await cloudphoenix("plan", "dr").ended).stdout).toContain("✗ schema-parity");
  expect((await cloudphoenix("replicate", "status").ended).stdout).toContain(
    "table public.parcels is not replicated",
  );

  const look = await cloudphoenix("replicate", "setup", "--dry-run").ended;
  expect(look.code).toBe(EXIT_CODES.done);
  expect(look.stdout).toContain(`at ${HOME}, publish public.parcels`);
  expect(look.stdout).toContain(`at ${AWAY}, subscribe to and copy public.parcels`);
  expect(await sql(AWAY, "select from public.parcels")).toHaveLength(0);

  const refused = await cloudphoenix("replicate", "setup", "--to", HOME, ...ORDER).ended;
  expect(refused.code).toBe(EXIT_CODES.badInput);
  expect(refused.stderr).toContain(`${HOME} is the active site`);

  const done = await cloudphoenix("replicate", "setup", ...ORDER).ended;
  expect(done.code, done.stderr + done.stdout).toBe(EXIT_CODES.done);
  expect(done.stdout).toContain(`${AWAY} follows ${HOME} with`);
  expect(await sql(AWAY, "select id from public.parcels")).toEqual([{ id: 1 }]);
  await until("an end of the complaint", differences, (found) => found.length === 0);
  expect((await cloudphoenix("replicate", "status").ended).stdout).toContain(
    "newest set-up by ann",
  );
  const again = await cloudphoenix("replicate", "setup", "--dry-run").ended;
  expect(again.stdout).toContain("Nothing is known to be missing.");
}, 300_000);

test("everything that stands against it is listed at once, and nothing is changed", async () => {
  await sql(
    HOME,
    "create table public.keyless (v text); create unlogged table public.hot (id int primary key)",
  );

  const { code, stderr } = await cloudphoenix("replicate", "setup", ...ORDER).ended;

  expect(code).toBe(EXIT_CODES.needsPerson);
  for (const rule of ["replica-identity", "unlogged-table", "schema-asymmetric"]) {
    expect(stderr).toContain(rule);
  }
  expect(stderr).toContain("public.keyless");
  expect(stderr).toContain("public.hot");
  await sql(HOME, "drop table public.keyless, public.hot");
}, 120_000);

test("whoever is cut off while it copies hears that it goes on, and it does", async () => {
  for (const site of [AWAY, HOME])
    await sql(site, "create table public.labels (id int primary key)");
  await sql(HOME, "insert into public.labels values (7)");
  await sandbox.world.breakIt("replication-stall");

  const setup = cloudphoenix("replicate", "setup", ...ORDER);
  await until(
    "progress",
    async () => setup.heard(),
    (heard) => heard.includes("tables are at") || heard.includes("does not go on"),
    30_000,
  );
  setup.child.kill("SIGINT");
  const { code, stderr } = await setup.ended;
  expect(code).toBe(EXIT_CODES.interrupted);
  expect(stderr).toContain("The set-up goes on in the controller.");
  expect((await cloudphoenix("replicate", "status").ended).stdout).toContain("is under way");

  await sandbox.world.mend("replication-stall");
  const joined = await cloudphoenix("replicate", "setup", ...ORDER).ended;
  expect(joined.code, joined.stderr).toBe(EXIT_CODES.done);
  expect(await sql(AWAY, "select id from public.labels")).toEqual([{ id: 7 }]);
}, 300_000);

test("a standby whose log is gone is named with what to do, and then copied anew from nothing", async () => {
  await sql(AWAY, "alter subscription cloudphoenix_shop disable");
  await until(
    "the loss of the slot",
    () =>
      sql(
        HOME,
        `select pg_drop_replication_slot(slot_name) from pg_replication_slots
         where database = current_database() and not active`,
      ),
    (dropped) => dropped.length > 0,
  );
  const look = await cloudphoenix("replicate", "setup", "--dry-run").ended;
  expect(look.code).toBe(EXIT_CODES.needsPerson);
  expect(look.stdout).toContain("log-removed");
  expect(look.stdout).toContain("set (slot_name = none); drop subscription cloudphoenix_shop;");

  await sql(AWAY, "alter subscription cloudphoenix_shop set (slot_name = none)");
  await sql(AWAY, "drop subscription cloudphoenix_shop");
  await sql(AWAY, "drop schema cloudphoenix cascade");
  await sql(
    AWAY,
    `do $$ declare one record; begin
       for one in select tablename from pg_tables where schemaname = 'public' loop
         execute format('drop table public.%I cascade', one.tablename);
       end loop; end $$`,
  );
  const half = await cloudphoenix("replicate", "setup", "--dry-run").ended;
  expect(half.stdout).toContain(`sequence public.order_number_seq is left at site ${AWAY}`);
  for (const [, kind, name] of half.stdout.matchAll(/: (\w+) (public\.\w+) is left at/g)) {
    await sql(AWAY, `drop ${kind ?? ""} ${name ?? ""}`);
  }
  const done = await until(
    "a set-up that no heal of the standby stands in the way of",
    () => cloudphoenix("replicate", "setup", ...ORDER).ended,
    ({ stderr }) => !stderr.includes("is under way"),
    120_000,
  );
  expect(done.code, done.stderr + done.stdout).toBe(EXIT_CODES.done);
  await until(
    "protection",
    () => sandbox.status(),
    (status) => status.protected.yes,
    60_000,
  );
}, 300_000);

const ORDER = ["--yes", "--reason", "a release added a table", "--by", "ann"];

/** What the watch found between the sites; each is a reason not to move by itself. */
async function differences(): Promise<readonly string[]> {
  const { replications } = await sandbox.api.send<{
    replications: readonly { readonly schemaDifferences: readonly string[] | null }[];
  }>("/v1/replication");
  return replications[0]?.schemaDifferences ?? ["not compared yet"];
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as a person types it; `heard` is what it has said to them so far. */
function cloudphoenix(...args: readonly string[]): {
  readonly child: ChildProcess;
  readonly heard: () => string;
  readonly ended: Promise<Ended>;
} {
  const where = ["--dir", sandbox.directory, "--name", "test"];
  const child = spawn(process.execPath, [MAIN, ...args, ...where], { stdio: "pipe" });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = once(child, "close").then(() => ({ code: child.exitCode, stdout, stderr }));
  return { child, heard: () => stderr, ended };
}

/** One statement at a site, in the name of the role that owns the tables. */
async function sql(site: string, text: string): Promise<readonly unknown[]> {
  const { configFile } = sandbox.world;
  const document: {
    readonly sites: readonly {
      readonly id: string;
      readonly database: { readonly url: string; readonly password_file: string };
    }[];
  } = parse(readFileSync(configFile, "utf8"));
  const database = document.sites.find(({ id }) => id === site)?.database;
  if (database === undefined) throw new RangeError(`there is no site ${site}`);
  const url = new URL(database.url);
  url.password = readFileSync(join(dirname(configFile), database.password_file), "utf8").trim();
  const client = new Client({ connectionString: url.href });
  await client.connect();
  try {
    const { rows } = await client.query<object>(text);
    return rows;
  } finally {
    await client.end();
  }
}
