import type { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { failureOf } from "./fixture/failure.ts";
import { Pair, SITE_A, SITE_B, soon } from "./fixture/pair.ts";
import { startTwoServers, type TwoServers } from "./fixture/two-servers.ts";
import { until } from "./fixture/until.ts";

const CLOSED = { code: "25006", message: "cloudphoenix: writes are closed at this site" };

let servers: TwoServers;
let pair: Pair;

beforeAll(async () => {
  servers = await startTwoServers();
});
afterAll(() => servers.remove());
afterEach(() => pair.close());

async function following(application: string, more = {}): Promise<Pair> {
  pair = await Pair.make(servers, { application, ...more });
  await pair.follow();
  return pair;
}

describe("a fence", () => {
  test("refuses every way to write, from sessions old and new, while the standby goes on", async () => {
    const { control } = (await following("every-way")).replication;
    const app = await pair.client(SITE_A, "app");
    await app.query("insert into orders (customer) values ('kept')");
    // Nobody but a superuser may end a superuser's session, so this one survives the fence.
    const survivor = await pair.client(SITE_A, "super");
    await survivor.query("select 1");
    expect(await control.fence(SITE_A, 2, soon())).toMatchObject({
      means: "database",
      degree: "confirmed",
    });
    expect(await failureOf(app.query("select 1"))).not.toMatchObject(CLOSED);
    const fresh = await pair.client(SITE_A, "app");
    for (const client of [survivor, fresh]) {
      for (const statement of [
        "insert into orders (customer) values ('x')",
        "insert into orders (customer) select 'x' where false",
        "update orders set note = 'x'",
        "delete from orders",
        "truncate orders cascade",
        "copy orders (customer) from stdin",
        "merge into counters c using orders o on c.id = o.id when not matched then insert (name) values ('x')",
        "with w as (insert into counters (name) values ('x') returning 1) select * from w",
      ]) {
        expect([statement, await failureOf(client.query(statement))]).toMatchObject([
          statement,
          CLOSED,
        ]);
      }
    }
    expect((await fresh.query("select from orders")).rowCount).toBe(1);
    // Replication of what came before, and of our own tables, does not stop at the gate.
    await control.drain(SITE_A, SITE_B, soon());
    expect(await pair.ask(SITE_B, "select customer from orders")).toEqual([{ customer: "kept" }]);
  });

  test("ends a transaction that has written and waits, and its row is not there", async () => {
    const { control } = (await following("idle")).replication;
    const app = await pair.client(SITE_A, "app");
    await app.query("begin; insert into orders (customer) values ('never')");
    const slow = await pair.client(SITE_A, "app");
    const running = slow.query("insert into counters (name) select pg_sleep(600)::text");
    const ended = failureOf(running);
    expect(await control.fence(SITE_A, 2, soon())).toMatchObject({ degree: "confirmed" });
    expect(await ended).toMatchObject({ code: "57P01" });
    await failureOf(app.query("commit"));
    expect(await pair.ask(SITE_A, "select from orders")).toEqual([]);
  });

  test("ends a session that came in while the gates were closing", async () => {
    await following("between");
    // A superuser's transaction keeps a gate open until the new session is there.
    const holder = await pair.client(SITE_A, "super");
    await holder.query("begin; lock table orders in row exclusive mode");
    const arrivals: Promise<Client>[] = [];
    const fencing = pair.another({
      beforeStatement: (_, statement) => {
        if (arrivals.length > 0 || !statement.startsWith("do $gate$")) return;
        const arrived = pair.client(SITE_A, "app");
        arrivals.push(arrived);
        void arrived.then(() => holder.query("commit"));
      },
    });
    expect(await fencing.control.fence(SITE_A, 2, soon())).toMatchObject({ degree: "confirmed" });
    const [arrived] = await Promise.all(arrivals);
    await failureOf(arrived?.query("select 1") ?? Promise.resolve());
  });

  test("covers tables that were created since, and gates that somebody opened", async () => {
    const { control } = (await following("meanwhile")).replication;
    await (await pair.client(SITE_A, "admin")).query(
      `create table public.new (id int primary key); grant insert on public.new to app;
       create schema more; create table more.other (id int primary key);
       grant usage on schema more to app; grant insert on more.other to app`,
    );
    await control.fence(SITE_A, 2, soon());
    const app = await pair.client(SITE_A, "app");
    for (const table of ["new", "more.other", "orders"]) {
      await expect(app.query(`insert into ${table} values (1)`)).rejects.toMatchObject(CLOSED);
    }
    await (await pair.client(SITE_A, "admin")).query(
      "alter table orders disable trigger cloudphoenix_write_gate",
    );
    expect(await control.inspect(SITE_A, soon())).toMatchObject({ role: "fenced" });
    expect(await control.fence(SITE_A, 2, soon())).toMatchObject({ degree: "confirmed" });
    const again = await pair.client(SITE_A, "app");
    await expect(again.query("update orders set note = ''")).rejects.toMatchObject(CLOSED);
  });

  test("is unproven, and says why, while a prepared transaction holds a table", async () => {
    await following("prepared", { limits: { gateMs: 100 } });
    const { control, fencer } = pair.replication;
    const app = await pair.client(SITE_A, "app");
    await app.query(
      "begin; insert into orders (customer) values ('x'); prepare transaction 'held'",
    );
    expect(await fencer.forecast(SITE_A, soon())).toMatchObject({ degree: "unproven" });
    const proof = await control.fence(SITE_A, 2, soon());
    expect(proof).toMatchObject({ degree: "unproven" });
    expect(proof.detail).toContain("prepared transactions held");
    await (await pair.client(SITE_A, "app")).query("rollback prepared 'held'");
    expect(await control.fence(SITE_A, 2, soon())).toMatchObject({ degree: "confirmed" });
  });

  test("is unproven if we could not see the sessions it must end", async () => {
    const { fencer } = (await following("blind")).replication;
    const admin = await pair.client(SITE_A, "super");
    await admin.query("revoke pg_read_all_stats from cloudphoenix");
    expect(await fencer.forecast(SITE_A, soon())).toMatchObject({ degree: "unproven" });
    expect(await fencer.fence(SITE_A, 2, soon())).toMatchObject({ degree: "unproven" });
    await admin.query("grant pg_read_all_stats to cloudphoenix");
    expect(await fencer.fence(SITE_A, 2, soon())).toMatchObject({ degree: "confirmed" });
  });

  test("is unproven, as forecast, while a table belongs to somebody else, and closes all others", async () => {
    const { control, fencer } = (await following("foreign", { leased: true })).replication;
    expect(await fencer.forecast(SITE_A, soon())).toMatchObject({ degree: "confirmed" });
    await pair.ask(
      SITE_A,
      "create table public.dba (id int primary key); grant select, insert on public.dba to app",
    );
    const forecast = await fencer.forecast(SITE_A, soon());
    expect(forecast).toMatchObject({ degree: "unproven" });
    expect(forecast.detail).toContain("not (a member of) the owner of table public.dba");
    const older = await pair.client(SITE_A, "app");

    expect(await fencer.fence(SITE_A, 2, soon())).toMatchObject({
      degree: "unproven",
      detail:
        "writes are still open for public.dba (we are not (a member of) its owner); 3 of 4 tables refuse them",
    });

    expect(await failureOf(older.query("select 1"))).not.toMatchObject(CLOSED);
    const app = await pair.client(SITE_A, "app");
    for (const table of ["orders", "counters", '"Order Items"']) {
      await expect(app.query(`delete from ${table}`)).rejects.toMatchObject(CLOSED);
    }
    await app.query("insert into dba values (1)");
    await control.unfence(SITE_A, 2, soon());
    await pair.grantLease(SITE_A, 2, 60_000);
    await app.query("insert into orders (customer) values ('x')");
  });

  test("of a table that was given to us meanwhile is confirmed", async () => {
    const { fencer } = (await following("given")).replication;
    await pair.ask(SITE_A, "create table public.dba (id int primary key)");
    expect(await fencer.fence(SITE_A, 2, soon())).toMatchObject({ degree: "unproven" });
    await pair.ask(SITE_A, "alter table public.dba owner to cloudphoenix");
    expect(await fencer.fence(SITE_A, 2, soon())).toMatchObject({ degree: "confirmed" });
  });

  test("is taken back whole, and only by the same generation or a newer one", async () => {
    const { control } = (await following("back")).replication;
    await control.fence(SITE_A, 3, soon());
    await expect(control.unfence(SITE_A, 2, soon())).rejects.toMatchObject({
      code: "STALE_GENERATION",
    });
    await control.unfence(SITE_A, 3, soon());
    await control.unfence(SITE_A, 3, soon());
    expect(await control.inspect(SITE_A, soon())).toMatchObject({
      role: "active",
      generation: 3,
      writesOpen: true,
    });
    const app = await pair.client(SITE_A, "app");
    await app.query("insert into orders (customer) values ('x')");
    await until(async () => (await pair.ask(SITE_B, "select from orders")).length === 1);
  });

  test("of a standby, taken back, leaves a standby that refuses writes", async () => {
    const { control } = (await following("standby")).replication;
    await control.fence(SITE_B, 2, soon());
    await control.unfence(SITE_B, 2, soon());
    expect(await control.inspect(SITE_B, soon())).toMatchObject({
      role: "standby",
      writesOpen: false,
    });
    const app = await pair.client(SITE_B, "app");
    await expect(app.query("insert into counters (name) values ('x')")).rejects.toMatchObject(
      CLOSED,
    );
  });
});

async function writeAtA(): Promise<unknown> {
  const app = await pair.client(SITE_A, "app");
  return app.query("insert into orders (customer) values ('x')");
}

test("every change for an older generation is refused and changes nothing", async () => {
  const { control, fencer } = (await following("stale")).replication;
  await control.fence(SITE_A, 5, soon());
  await control.fence(SITE_B, 5, soon());
  const before = [await control.inspect(SITE_A, soon()), await control.inspect(SITE_B, soon())];
  for (const stale of [
    () => control.fence(SITE_A, 4, soon()),
    () => fencer.fence(SITE_A, 4, soon()),
    () => control.unfence(SITE_A, 4, soon()),
    () => fencer.unfence(SITE_A, 4, soon()),
    () => control.promote(SITE_B, SITE_A, 4, soon()),
    () => control.openWrites(SITE_A, 4, soon()),
    () => control.openWrites(SITE_B, 4, soon()),
    () => control.closeWrites(SITE_A, 4, soon()),
  ]) {
    const error = await failureOf(stale());
    expect([String(stale), error]).toMatchObject([
      String(stale),
      { code: "STALE_GENERATION", retryable: false },
    ]);
  }
  expect([await control.inspect(SITE_A, soon()), await control.inspect(SITE_B, soon())]).toEqual(
    before,
  );
});

test("writes close for every table but one of somebody else, which is named, and open again", async () => {
  const { control } = (await following("closing-foreign")).replication;
  await pair.ask(SITE_A, "create table public.dba (id int primary key)");
  await expect(control.closeWrites(SITE_A, 1, soon())).rejects.toMatchObject({
    code: "UNAUTHORIZED",
    message: `writes at site ${SITE_A} stay open for public.dba: we are not (a member of) its owner`,
    hint: "Give the table to a role of which CloudPhoenix's is a member.",
  });
  await expect(writeAtA()).rejects.toMatchObject(CLOSED);
  await control.openWrites(SITE_A, 1, soon());
  await writeAtA();
});

test("writes of an active site close and open again, twice each without harm", async () => {
  const { control } = (await following("twice")).replication;
  await control.closeWrites(SITE_A, 1, soon());
  await control.closeWrites(SITE_A, 1, soon());
  await expect(writeAtA()).rejects.toMatchObject(CLOSED);
  expect(await control.inspect(SITE_A, soon())).toMatchObject({
    role: "active",
    writesOpen: false,
  });
  await control.openWrites(SITE_A, 1, soon());
  await control.openWrites(SITE_A, 1, soon());
  await writeAtA();
  await expect(control.openWrites(SITE_B, 1, soon())).rejects.toMatchObject({
    code: "PROMOTION_REFUSED",
  });
});
