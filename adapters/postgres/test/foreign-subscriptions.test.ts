import { Client } from "pg";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { failureOf } from "./fixture/failure.ts";
import { Pair, SITE_A, SITE_B, soon } from "./fixture/pair.ts";
import {
  startTwoServers,
  SUPERUSER,
  SUPERUSER_PASSWORD,
  type TwoServers,
} from "./fixture/two-servers.ts";
import { until } from "./fixture/until.ts";

// Goal: rows that somebody else's subscription brings in pass every gate and reach no standby, so
// nobody may count on a site that has one, and no fence may claim to have stopped it unless it has.

const SCHEMA = "create table public.t (id int primary key)";
const PAST = "brings rows past gates and lease, which reach no standby";

let servers: TwoServers;
let pair: Pair;
let upstream: Client;

beforeAll(async () => {
  servers = await startTwoServers();
});
afterAll(() => servers.remove());
afterEach(async () => {
  await pair.close();
  await upstream.end();
});

/** A pair whose active site gets rows of `t` from a third database by the subscription `feed`. */
async function fed(application: string, owner: "postgres" | "cloudphoenix"): Promise<void> {
  pair = await Pair.make(servers, { application, schema: SCHEMA, leased: true });
  await pair.follow();
  upstream = await openUpstream(`${pair.database}_upstream`);
  await upstream.query(`${SCHEMA}; create publication feed for table t`);
  await upstream.query("select pg_create_logical_replication_slot('feed_' || $1, 'pgoutput')", [
    pair.database,
  ]);
  await pair.ask(
    SITE_A,
    `create subscription feed connection 'host=127.0.0.1 port=${servers.b.port} user=${SUPERUSER}
       password=${SUPERUSER_PASSWORD} dbname=${pair.database}_upstream' publication feed
       with (create_slot = false, slot_name = 'feed_${pair.database}')`,
  );
  await pair.ask(SITE_A, `alter subscription feed owner to ${owner}`);
  await upstream.query("insert into t values (1)");
  await until(async () => (await rows()) === 1);
}

async function openUpstream(database: string): Promise<Client> {
  const login = {
    host: "127.0.0.1",
    port: servers.b.port,
    user: SUPERUSER,
    password: SUPERUSER_PASSWORD,
  };
  const root = new Client({ ...login, database: "postgres" });
  await root.connect();
  await root.query(`create database ${database}`);
  await root.end();
  const client = new Client({ ...login, database });
  await client.connect();
  return client;
}

async function rows(): Promise<number> {
  return (await pair.ask(SITE_A, "select from t")).length;
}

test("set-up refuses it by name and says what to do; the watch names it; a dry run as well", async () => {
  await fed("feed-seen", "postgres");
  const request = { from: SITE_A, to: SITE_B, generation: 1 };

  expect(await failureOf(pair.replication.setup(request, soon()))).toMatchObject({
    code: "REPLICATION_PREFLIGHT",
    problems: [{ rule: "foreign-subscription", site: SITE_A, object: "feed" }],
    message: expect.stringContaining("disable it, or keep its tables in another database"),
  });
  expect((await pair.replication.forecast(request, soon())).problems).toHaveLength(1);

  const { watch } = pair.another();
  watch.start();
  await until(async () => watch.schemaComparison(SITE_B) !== null);
  await watch.stop();
  expect(watch.schemaComparison(SITE_B)?.differences).toEqual([
    expect.stringContaining(`at ${SITE_A}, subscription feed ${PAST}`),
  ]);

  await pair.ask(SITE_A, "alter subscription feed disable");
  await until(async () => (await pair.replication.forecast(request, soon())).problems.length === 0);
});

test("a fence that may not disable it is unproven, as its forecast is, and closes the gates all the same", async () => {
  await fed("feed-foreign", "postgres");

  expect(await pair.replication.fencer.forecast(SITE_A, soon())).toMatchObject({
    degree: "unproven",
    detail: expect.stringContaining(`subscription feed ${PAST}`),
  });
  expect(await pair.replication.fencer.fence(SITE_A, 2, soon())).toMatchObject({
    degree: "unproven",
    detail: expect.stringContaining(`subscription feed ${PAST}`),
  });

  const app = await pair.client(SITE_A, "super");
  await expect(app.query("insert into t values (9)")).rejects.toMatchObject({ code: "25006" });
  // It is the truth: rows still come.
  await upstream.query("insert into t values (2)");
  await until(async () => (await rows()) === 2);
});

test("a fence that may disable it does, says so every time, and taking the fence back leaves it so", async () => {
  await fed("feed-ours", "cloudphoenix");
  expect(await pair.replication.fencer.forecast(SITE_A, soon())).toMatchObject({
    degree: "confirmed",
  });

  for (const turn of ["first", "again"]) {
    expect([turn, await pair.replication.fencer.fence(SITE_A, 2, soon())]).toMatchObject([
      turn,
      {
        degree: "confirmed",
        detail: expect.stringContaining("subscription feed is disabled and stays so"),
      },
    ]);
  }

  const workers = "select from pg_stat_subscription where subname = 'feed' and pid is not null";
  expect(await pair.ask(SITE_A, workers)).toEqual([]);
  await upstream.query("insert into t values (2)");
  await pair.replication.fencer.unfence(SITE_A, 2, soon());
  expect(await pair.ask(SITE_A, "select subenabled from pg_subscription")).toEqual([
    { subenabled: false },
  ]);
  expect(await rows()).toBe(1);
});

test("one that only a superuser may change is known as such, although it is of our role", async () => {
  await fed("feed-passwordless", "cloudphoenix");
  await pair.ask(SITE_A, "alter subscription feed set (password_required = false)");
  expect(await pair.replication.fencer.forecast(SITE_A, soon())).toMatchObject({
    degree: "unproven",
  });
});
