import { afterAll, beforeAll, expect, test } from "vitest";
import {
  CLOSE_WRITES,
  migrate,
  OPEN_WRITES,
  openWorld,
  place,
  serve,
  withClient,
  type World,
} from "./orders-world.ts";

let world: World;

beforeAll(async () => {
  world = await openWorld();
});

afterAll(async () => {
  await world.close();
});

test("running again changes nothing", async () => {
  const before = await schemaOf(world);

  expect(await migrate(world)).toBe("schema is at version 3\n");

  expect(await schemaOf(world)).toEqual(before);
  expect(await world.sql("select orders_schema_version() as version")).toEqual([{ version: 3 }]);
});

// Replication carries every table of the application; a version row would tell the standby that a
// change was made there which was not.
test("leaves no table behind but the service's own", async () => {
  const tables = await world.sql(
    "select schemaname || '.' || tablename as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema', 'cloudphoenix') order by 1",
  );

  expect(tables.map((row) => row["name"])).toEqual([
    "public.idempotency_keys",
    "public.orders",
    "public.receipts",
  ]);
});

test("runs where writes are closed", async () => {
  await world.sql(CLOSE_WRITES);
  expect(await migrate(world)).toBe("schema is at version 3\n");
  await world.sql(OPEN_WRITES);
});

test("several at once do it once", async () => {
  await withClient(world.server, "postgres", (client) => client.query("create database fresh"));
  const DATABASE_URL = world.server.url("fresh");

  const outputs = await Promise.all([1, 2, 3].map(() => migrate(world, { DATABASE_URL })));

  expect(outputs.filter((output) => output.includes("applied 1: "))).toHaveLength(1);
});

test("an owner who may not grant it says what durability barrier needs, and migrates all the same", async () => {
  await withClient(world.server, "postgres", async (client) => {
    await client.query("create role owner login password 'super-secret'");
    await client.query("create database owned owner owner");
  });
  const url = new URL(world.server.url("owned"));
  url.username = "owner";

  const output = await migrate(world, { DATABASE_URL: url.href });

  expect(output).toContain('warning: durability "barrier" needs: grant pg_read_all_stats to "app"');
  expect(output).toContain("schema is at version 3");
});

test("the service's role can neither change nor delete an order", async () => {
  const service = await serve(world);
  await place(service.url, "kept");
  await service.drain();
  const url = new URL(world.server.url("app"));

  for (const statement of [
    "update orders set customer = 'Eve'",
    "delete from orders",
    "delete from idempotency_keys",
    "delete from receipts",
    "update cloudphoenix.site set writes_open = true",
    "drop table orders",
  ]) {
    const attempt = withClient(world.server, "app", async (client) => {
      await client.query("set role app");
      await client.query(statement);
    });
    await expect(attempt, `${statement} at ${url.host}`).rejects.toMatchObject({ code: "42501" });
  }
});

test("a migration that fails leaves nothing behind and says why", async () => {
  await withClient(world.server, "postgres", (client) => client.query("create database taken"));
  await withClient(world.server, "taken", (client) =>
    client.query("create table idempotency_keys (unrelated int)"),
  );

  await expect(migrate(world, { DATABASE_URL: world.server.url("taken") })).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('orders cannot migrate: relation "idempotency_keys"'),
  });

  const left = await withClient(world.server, "taken", async (client) => {
    const { rows } = await client.query("select to_regclass('public.orders') as orders");
    return rows as unknown[];
  });
  expect(left).toEqual([{ orders: null }]);
});

async function schemaOf(of: World): Promise<unknown[]> {
  return of.sql(`select table_schema, table_name, column_name, data_type from information_schema.columns
    where table_schema not in ('pg_catalog', 'information_schema') order by 1, 2, 3`);
}
