import { createServer, type Server } from "node:net";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { PostgresReplication, prepareServer } from "../src/index.ts";
import { failureOf } from "./fixture/failure.ts";
import { Pair, SITE_A, SITE_B, soon } from "./fixture/pair.ts";
import { realClock } from "./fixture/real-clock.ts";
import { freePort } from "../../../packages/local-postgres/test/free-port.ts";
import { startTwoServers, type TwoServers } from "./fixture/two-servers.ts";
import { until } from "./fixture/until.ts";

let servers: TwoServers;
let pair: Pair;
let silent: Server;
let silentPort: number;
const opened: PostgresReplication[] = [];

beforeAll(async () => {
  servers = await startTwoServers();
  pair = await Pair.make(servers, { application: "reached" });
  await pair.follow();
  silentPort = await freePort();
  silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(silentPort, "127.0.0.1", resolve));
});
afterAll(async () => {
  await pair.close();
  await servers.remove();
  silent.close();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

/** An adapter whose site A is somewhere else. */
function elsewhere(url: string, password = "wrong-Secret-9", limits = {}): PostgresReplication {
  const replication = new PostgresReplication(
    {
      application: "reached",
      durability: "async",
      clock: realClock,
      limits: { connectMs: 300, ...limits },
      sites: [SITE_A, SITE_B].map((site) => ({
        site,
        adminUrl: url,
        adminPassword: password,
        peerUrl: url,
        peerPassword: password,
        applicationRole: "app",
      })),
    },
    SITE_A,
  );
  opened.push(replication);
  return replication;
}

function urlOf(port: number, database = "reached", user = "cloudphoenix"): string {
  return `postgresql://${user}@127.0.0.1:${port}/${database}`;
}

/** What a call fails with, proven not to hold the password. */
async function failure(call: Promise<unknown>): Promise<Error> {
  const error = await failureOf(call);
  expect(inspect(error, { depth: 10 })).not.toContain("wrong-Secret-9");
  return error;
}

test("a site where nothing listens is unreachable, by name and address, at once", async () => {
  const { control, fencer } = elsewhere(urlOf(await freePort()));
  const error = await failure(control.inspect(SITE_A, soon()));
  expect(error).toMatchObject({ code: "UNREACHABLE", retryable: true });
  expect(String(error)).toContain(`site ${SITE_A} (127.0.0.1:`);
  for (const proof of [
    await fencer.fence(SITE_A, 9, soon()),
    await fencer.forecast(SITE_A, soon()),
    await control.fence(SITE_A, 9, soon()),
  ]) {
    expect(proof).toMatchObject({ means: "database", degree: "unproven" });
    expect(proof.detail).toContain("ECONNREFUSED");
  }
});

test("a site that accepts connections and says nothing costs the connect limit, no more", async () => {
  const { control, fencer } = elsewhere(urlOf(silentPort));
  const deadline = soon();
  expect(await failure(control.inspect(SITE_A, deadline))).toMatchObject({ code: "UNREACHABLE" });
  expect(await fencer.fence(SITE_A, 9, deadline)).toMatchObject({ degree: "unproven" });
  // It was not the caller who gave up.
  expect(deadline.aborted).toBe(false);
});

test("aborting ends a wait at once: for a connection, and for an answer", async () => {
  // Whoever waited for these limits would be longer than the test may take.
  const limits = { connectMs: 120_000, statementMs: 120_000 };
  const slow = elsewhere(urlOf(silentPort), "x", limits);
  const connecting = new AbortController();
  const inspecting = failure(slow.control.inspect(SITE_A, connecting.signal));
  connecting.abort();
  expect(await inspecting).toMatchObject({ code: "ABORTED" });

  const holder = await pair.client(SITE_A, "super");
  await holder.query("begin; lock table cloudphoenix.site in access exclusive mode");
  const waiting = new AbortController();
  const reading = failure(pair.another({ limits }).control.inspect(SITE_A, waiting.signal));
  await until(async () => (await lockWaits()) > 0);
  waiting.abort();
  expect(await reading).toMatchObject({ code: "ABORTED" });
  await holder.query("rollback");
  expect(await pair.replication.control.inspect(SITE_A, soon())).toMatchObject({ role: "active" });
});

/** How many sessions at site A wait for a table's lock. */
async function lockWaits(): Promise<number> {
  return (await pair.ask(SITE_A, "select from pg_locks where not granted")).length;
}

test("a fence whose deadline passes is unproven; one that is called off says so", async () => {
  const { fencer } = elsewhere(urlOf(silentPort), "x", { connectMs: 2_000 });
  expect(await fencer.fence(SITE_A, 9, AbortSignal.timeout(50))).toMatchObject({
    degree: "unproven",
  });
  await expect(fencer.fence(SITE_A, 9, AbortSignal.abort())).rejects.toMatchObject({
    code: "ABORTED",
  });
});

test("a statement that takes too long is timed out, and the next one works", async () => {
  const quick = pair.another({ limits: { statementMs: 1_000 } });
  const holder = await pair.client(SITE_A, "super");
  await holder.query("begin; lock table cloudphoenix.site in access exclusive mode");
  expect(await failure(quick.control.inspect(SITE_A, soon()))).toMatchObject({
    code: "TIMED_OUT",
    retryable: true,
  });
  await holder.query("rollback");
  expect(await quick.control.inspect(SITE_A, soon())).toMatchObject({ role: "active" });
});

test("a session that the server ended is replaced by the next call", async () => {
  await pair.replication.control.inspect(SITE_A, soon());
  const ours = "pg_stat_activity where usename = 'cloudphoenix'";
  const ended = await pair.ask<{ pid: number }>(
    SITE_A,
    `select pid, pg_terminate_backend(pid) from ${ours}`,
  );
  const pids = ended.map(({ pid }) => pid).join();
  expect(pids).not.toBe("");
  // A session says goodbye before it is gone.
  const left = `select from ${ours} and pid in (${pids})`;
  await until(async () => (await pair.ask(SITE_A, left)).length === 0);
  expect(await pair.replication.control.inspect(SITE_A, soon())).toMatchObject({ role: "active" });
});

test.each([
  ["a wrong password", () => urlOf(servers.a.port), "UNAUTHORIZED"],
  ["an unknown role", () => urlOf(servers.a.port, "reached", "nobody"), "UNAUTHORIZED"],
])("%s is no outage", async (_, url, code) => {
  expect(await failure(elsewhere(url()).control.inspect(SITE_A, soon()))).toMatchObject({
    code,
    retryable: false,
  });
});

test("a database that does not exist is not found, and another site's database is not touched", async () => {
  const admin = "admin-secret-1";
  const missing = elsewhere(urlOf(servers.a.port, "nowhere"), admin);
  expect(await failure(missing.control.inspect(SITE_A, soon()))).toMatchObject({
    code: "NOT_FOUND",
  });
  const swapped = elsewhere(urlOf(servers.b.port), admin);
  expect(await swapped.control.fence(SITE_A, 9, soon())).toMatchObject({ degree: "unproven" });
  expect(await failure(swapped.control.inspect(SITE_A, soon()))).toMatchObject({
    code: "CONFIG_INVALID",
  });
  expect(await pair.replication.control.inspect(SITE_B, soon())).toMatchObject({ generation: 1 });
});

test.each([
  "postgresql://cloudphoenix:wrong-Secret-9@127.0.0.1/app",
  "http://127.0.0.1/app",
  "nonsense",
  "postgresql://cloudphoenix@127.0.0.1/app?sslmode=maybe",
])("the URL %s is refused before anything is asked", (url) => {
  let error: unknown = null;
  try {
    elsewhere(url);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({ code: "CONFIG_INVALID" });
  expect(String(error)).not.toContain("wrong-Secret-9");
});

test("no statement that observers see holds a password", async () => {
  const seen: string[] = [];
  const watched = await Pair.make(servers, {
    application: "observed",
    schema: "create table public.t (id int primary key)",
    beforeStatement: (_, statement) => seen.push(statement),
  });
  await watched.follow();
  await watched.close();
  expect(seen.some((statement) => statement.startsWith("create subscription"))).toBe(true);
  for (const secret of ["admin-secret-1", "replicator's", "replicator\\", "app-secret-1"]) {
    expect(seen.filter((statement) => statement.includes(secret))).toEqual([]);
  }
});

test("preparing a server again is harmless, and a password that would need care is refused", async () => {
  const options = {
    masterUrl: `postgresql://postgres@127.0.0.1:${servers.a.port}/postgres`,
    masterPassword: "super-secret-1",
    database: "reached",
    admin: { role: "cloudphoenix", password: "admin-secret-1" },
    replication: { role: "replicator", password: "replicator's \\secret-1" },
    application: { role: "app", password: "app-secret-1" },
  };
  expect(await prepareServer(options)).toEqual({ databaseCreated: false, withheld: [] });
  expect(await pair.replication.control.inspect(SITE_A, soon())).toMatchObject({ role: "active" });
  await expect(
    prepareServer({ ...options, application: { role: "app", password: "pässword" } }),
  ).rejects.toMatchObject({ code: "BAD_REQUEST" });
});
