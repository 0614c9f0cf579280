import type { Client } from "pg";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { failureOf } from "./fixture/failure.ts";
import { Pair, SITE_A, SITE_B, soon } from "./fixture/pair.ts";
import { startTwoServers, type TwoServers } from "./fixture/two-servers.ts";
import { until } from "./fixture/until.ts";

let servers: TwoServers;
let pair: Pair;

beforeAll(async () => {
  servers = await startTwoServers();
});
afterAll(() => servers.remove());
afterEach(async () => {
  servers.a.link.delayMs = 0;
  servers.a.link.mend();
  await pair.close();
});

const SCHEMA = `
  create table public.hot (id int primary key, v int);
  create table public.cold (a int, b text, v text, primary key (a, b));
  create table public.keyless (v int);
  alter table public.keyless replica identity full;
  insert into public.hot select n, 0 from generate_series(1, 50) n;
  insert into public.cold select n, 'it''s ' || n, 'v' from generate_series(1, 2000) n;
  grant select, insert, update, delete on all tables in schema public to app`;

async function following(application: string): Promise<void> {
  pair = await Pair.make(servers, { application, schema: SCHEMA });
  await pair.follow();
}

/** Repeats `statement` until stopped, and says how often it went through. */
function repeat(client: Client, statement: string): { stop(): Promise<number>; count(): number } {
  const stopped = new AbortController();
  let count = 0;
  const done = (async () => {
    while (!stopped.signal.aborted) {
      await client.query(statement);
      count += 1;
    }
  })();
  return {
    count: () => count,
    stop: async () => {
      stopped.abort();
      await done;
      return count;
    },
  };
}

/** Changes a row at the standby only, as no application can. */
async function spoil(statement: string): Promise<void> {
  const client = await pair.client(SITE_B, "super");
  await client.query(`set session_replication_role = replica; ${statement}`);
}

test("equal sites are equal, row by row and sum by sum", async () => {
  await following("equal");
  const compared = await pair.replication.salvage.compare(SITE_A, SITE_B, soon());
  expect(compared).toMatchObject({ equal: true, unsettled: [] });
  expect(compared.tables.map(({ name, rows, changing }) => [name, rows, changing])).toEqual([
    ["public.cold", 2000, 0],
    ["public.hot", 50, 0],
    ["public.keyless", 0, 0],
  ]);
  for (const one of compared.tables) expect(one.checksumWriter).toBe(one.checksumFollower);
  expect(compared.lsn).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
  expect(await pair.ask(SITE_A, "select from pg_replication_slots")).toHaveLength(1);
});

test.each([
  ["a changed value", "update cold set v = 'V' where a = 77"],
  ["null instead of an empty text", "update cold set v = null where a = 77"],
  ["a missing row", "delete from cold where a = 77"],
  ["a row too many", "insert into cold values (0, '', '')"],
  ["two values exchanged", "update cold set v = a::text where a in (1, 2)"],
])("finds a difference: %s", async (difference, statement) => {
  await following(`finds-${difference.replaceAll(" ", "-")}`);
  await spoil(statement);
  const { equal, tables } = await pair.replication.salvage.compare(SITE_A, SITE_B, soon());
  expect(equal).toBe(false);
  expect(tables.filter((table) => !table.equal).map(({ name }) => name)).toEqual(["public.cold"]);
});

test("under load there is no false alarm, also with a slow link, and a true difference is found", async () => {
  await following("load");
  servers.a.link.delayMs = 30;
  const writers = await Promise.all(
    ["update hot set v = v + 1 where id <= 10", "update hot set v = v + 1 where id > 40"].map(
      async (statement) => repeat(await pair.client(SITE_A, "app"), statement),
    ),
  );
  const moving = repeat(
    await pair.client(SITE_A, "app"),
    `with gone as (delete from cold where a = (select min(a) from cold) returning *)
     insert into cold select a + 5000, b, v from gone`,
  );
  await until(async () => writers.every((one) => one.count() > 20));
  const { salvage } = pair.replication;
  let changing = 0;
  for (let round = 0; round < 8; round += 1) {
    const compared = await salvage.compare(SITE_A, SITE_B, soon());
    expect(compared).toMatchObject({ equal: true, unsettled: [] });
    for (const table of compared.tables) changing += table.changing;
  }
  expect(changing).toBeGreaterThan(0);
  await spoil("update hot set v = -1 where id = 25");
  const spoiled = await salvage.compare(SITE_A, SITE_B, soon());
  expect(spoiled.tables.filter((table) => !table.equal).map(({ name }) => name)).toEqual([
    "public.hot",
  ]);
  await Promise.all([...writers, moving].map((one) => one.stop()));
});

test("says so if a table without a key never stands still, and does not call it equal", async () => {
  await following("unsettled");
  servers.a.link.delayMs = 30;
  const writer = repeat(await pair.client(SITE_A, "app"), "insert into keyless values (1)");
  await until(async () => writer.count() > 5);
  const compared = await pair.replication.salvage.compare(SITE_A, SITE_B, soon());
  expect(compared).toMatchObject({ equal: false, unsettled: ["public.keyless"] });
  expect(compared.tables.map(({ name, equal }) => [name, equal])).toEqual([
    ["public.cold", true],
    ["public.hot", true],
  ]);
  await writer.stop();
  expect(await pair.replication.salvage.compare(SITE_A, SITE_B, soon())).toMatchObject({
    equal: true,
  });
});

test("refuses a site that does not follow, and gives up when told to while one does not catch up", async () => {
  await following("refuses");
  const { salvage } = pair.replication;
  await expect(salvage.compare(SITE_B, SITE_A, soon())).rejects.toMatchObject({
    code: "REPLICATION_BROKEN",
  });
  servers.a.link.cut();
  await (await pair.client(SITE_A, "app")).query("update hot set v = 1");
  const failure = await failureOf(salvage.compare(SITE_A, SITE_B, AbortSignal.timeout(500)));
  expect(failure).toMatchObject({ code: "ABORTED" });
});
