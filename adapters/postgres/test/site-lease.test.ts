import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { failureOf } from "./fixture/failure.ts";
import { EPOCH, LeasedServer } from "./fixture/leased-server.ts";
import { Pair, SITE_A, SITE_B, soon } from "./fixture/pair.ts";
import { startTwoServers, type TwoServers } from "./fixture/two-servers.ts";
import { until } from "./fixture/until.ts";

const LAPSED = { code: "25006", message: "cloudphoenix: the writer lease has lapsed" };
const STALE = { code: "STALE_GENERATION", retryable: false };
const REFUSED = { code: "PROMISE_REFUSED", retryable: false };

describe("the agent of a site", () => {
  let server: LeasedServer;

  beforeAll(async () => {
    server = await LeasedServer.open();
  });
  afterAll(() => server.remove());
  beforeEach(async () => {
    await become("active");
    await server.run("select setval('cloudphoenix.promised_until', 0)");
    await server.grant();
  });
  afterEach(() => server.hangUp());

  const become = (role: string, generation = EPOCH): Promise<unknown> =>
    server.run(
      `update cloudphoenix.site set role = '${role}', generation = ${generation}, writes_open = ${role === "active"}`,
    );

  test("reads role, epoch, clock, end and promise", async () => {
    const state = await server.lease.read(soon());
    expect(state).toMatchObject({ role: "active", epoch: EPOCH, promisedUntilMs: null });
    expect(state.untilMs).toBeGreaterThan(state.nowMs);
    const [row] = await server.run("select extract(epoch from clock_timestamp()) * 1000 as ms");
    expect(Math.abs(Number(row?.["ms"]) - state.nowMs)).toBeLessThan(60_000);
  });

  test("extends, and shortens, only what an active site has at exactly its epoch", async () => {
    const { nowMs } = await server.lease.read(soon());
    await server.lease.extend({ epoch: EPOCH, untilMs: nowMs + 90_000 }, soon());
    expect(await server.lease.read(soon())).toMatchObject({ untilMs: nowMs + 90_000 });
    await server.lease.extend({ epoch: EPOCH, untilMs: nowMs + 60_000 }, soon());
    for (const epoch of [EPOCH - 1, EPOCH + 1]) {
      const grant = { epoch, untilMs: nowMs + 70_000 };
      await expect(server.lease.extend(grant, soon())).rejects.toMatchObject(STALE);
    }
    for (const role of ["standby", "fenced"]) {
      await become(role);
      const grant = { epoch: EPOCH, untilMs: nowMs + 70_000 };
      await expect(server.lease.extend(grant, soon())).rejects.toMatchObject(STALE);
    }
    expect(await server.lease.read(soon())).toMatchObject({ untilMs: nowMs + 60_000 });
  });

  test("cannot install an end so far away that it would be none", async () => {
    const { nowMs } = await server.lease.read(soon());
    for (const untilMs of [nowMs + 2 * 3_600_000, Number.MAX_SAFE_INTEGER / 1_000]) {
      await expect(server.lease.extend({ epoch: EPOCH, untilMs }, soon())).rejects.toThrow(/there/);
    }
  });

  test("waits for a change of the site, and is refused by what came of it", async () => {
    const changing = await server.client("cloudphoenix");
    await changing.query("begin; update cloudphoenix.site set role = 'fenced'");
    const { nowMs } = await server.lease.read(soon());
    const extending = server.lease.extend({ epoch: EPOCH, untilMs: nowMs + 5_000 }, soon());
    const outcome = failureOf(extending);
    await until(async () => {
      const waiting = await server.run("select from pg_locks where not granted");
      return waiting.length > 0;
    });
    await changing.query("commit");
    expect(await outcome).toMatchObject(STALE);
  });

  test("does not surrender the very epoch for which a plan has made the site active", async () => {
    await server.grant();
    await server.lease.surrender(EPOCH, soon());
    expect(await server.lease.read(soon())).toMatchObject({ role: "active", epoch: EPOCH });
    await (await server.client()).query("insert into public.item values (901)");
  });

  test("surrenders: the site is fenced for the other's epoch and refuses at once", async () => {
    const app = await server.client();
    await app.query("begin; insert into item values (1)");
    await server.lease.surrender(EPOCH + 1, soon());
    await server.lease.surrender(EPOCH + 1, soon());
    await expect(app.query("commit")).rejects.toMatchObject(LAPSED);
    const [row] = await server.run(
      "select role, generation::int, writes_open from cloudphoenix.site",
    );
    expect(row).toEqual({ role: "fenced", generation: EPOCH + 1, writes_open: false });
    await expect(server.lease.surrender(EPOCH, soon())).rejects.toMatchObject(STALE);
  });

  test("promises for a standby; a promise only grows and keeps the site from opening", async () => {
    await become("standby");
    await server.run("select setval('cloudphoenix.lease_until', 0)");
    await server.lease.promise({ epoch: EPOCH, durationMs: 60_000 }, soon());
    const first = await server.lease.read(soon());
    expect(first.promisedUntilMs).toBeGreaterThan(first.nowMs);
    await server.lease.promise({ epoch: EPOCH + 1, durationMs: 1 }, soon());
    expect(await server.lease.read(soon())).toMatchObject({
      promisedUntilMs: first.promisedUntilMs,
    });
    await become("active");
    const grant = { epoch: EPOCH, untilMs: first.nowMs + 5_000 };
    await expect(server.lease.extend(grant, soon())).rejects.toMatchObject(STALE);
    await expect(server.run("insert into item values (1)", "app")).rejects.toMatchObject(LAPSED);
  });

  test("does not promise for a site that is active, fenced, newer, or still leased", async () => {
    const ask = (epoch: number): Promise<void> =>
      server.lease.promise({ epoch, durationMs: 1_000 }, soon());
    await become("standby");
    await expect(ask(EPOCH)).rejects.toMatchObject(REFUSED);
    await server.run("select setval('cloudphoenix.lease_until', 0)");
    for (const role of ["active", "fenced"]) {
      await become(role);
      await expect(ask(EPOCH)).rejects.toMatchObject(REFUSED);
    }
    await become("standby");
    await expect(ask(EPOCH - 1)).rejects.toMatchObject(REFUSED);
    expect(await server.lease.read(soon())).toMatchObject({ promisedUntilMs: null });
    await ask(EPOCH);
  });

  test("refuses older promises from now on, without changing the role", async () => {
    await become("standby");
    await server.run("select setval('cloudphoenix.lease_until', 0)");
    await server.lease.promise({ epoch: EPOCH, durationMs: 60_000 }, soon());
    const { promisedUntilMs } = await server.lease.read(soon());
    for (const _ of [1, 2]) {
      const state = await server.lease.refusePromises(EPOCH + 1, soon());
      expect(state).toMatchObject({ role: "standby", epoch: EPOCH + 1, promisedUntilMs });
    }
    const wish = { epoch: EPOCH, durationMs: 60_000 };
    await expect(server.lease.promise(wish, soon())).rejects.toMatchObject(REFUSED);
    await expect(server.lease.refusePromises(EPOCH, soon())).rejects.toMatchObject(STALE);
  });

  test("can do nothing else in the database", async () => {
    const agent = await server.client("agent");
    for (const text of [
      "select * from cloudphoenix.site",
      "select * from public.item",
      "insert into public.item values (1)",
      "select setval('cloudphoenix.lease_until', 1)",
      "select nextval('cloudphoenix.lease_until')",
      "insert into cloudphoenix.lease_check values (now())",
      "select cloudphoenix.repeat_lease_check()",
      "select cloudphoenix.settle_lease_check()",
      "create table cloudphoenix.x (id int)",
    ]) {
      await expect(agent.query(text)).rejects.toMatchObject({ code: "42501" });
    }
  });

  test("is the only one beside us who may: the application can look, and change nothing", async () => {
    const app = await server.client();
    await app.query("select cloudphoenix.lease_remaining_ms()");
    for (const call of [
      "lease_read()",
      "lease_extend(7, 1)",
      "lease_surrender(9)",
      "lease_promise(7, 1)",
      "lease_refuse_promises(9)",
    ]) {
      const text = `select cloudphoenix.${call}`;
      await expect(app.query(text)).rejects.toMatchObject({ code: "42501" });
    }
    await expect(
      app.query("select setval('cloudphoenix.lease_until', 9223372036854775807)"),
    ).rejects.toMatchObject({ code: "42501" });
  });

  test("borrows no rights through names that a session puts in front of the system's", async () => {
    await server.run("grant create on schema public to app");
    const app = await server.client();
    await app.query(
      `create function public.steal(text, text) returns bool language plpgsql as
         $$ begin perform setval('cloudphoenix.lease_until', 9223372036854775807); return true; end $$;
       create function public.lower(text) returns text language plpgsql as
         $$ begin perform setval('cloudphoenix.lease_until', 9223372036854775807); return 'commit'; end $$;
       create operator public.= (leftarg = text, rightarg = text, function = public.steal);
       create operator public.~* (leftarg = text, rightarg = text, function = public.steal);
       create function public.clock_timestamp() returns timestamptz language plpgsql as
         $$ begin perform setval('cloudphoenix.lease_until', 9223372036854775807); return 'epoch'; end $$;
       set search_path = public, pg_catalog`,
    );
    await app.query("begin; insert into item values (1)");
    await app.query("commit");
    await app.query("insert into item values (2)");
    expect((await server.lease.read(soon())).untilMs).not.toBeNull();
    await server.lapse();
    await expect(app.query("insert into item values (3)")).rejects.toMatchObject(LAPSED);
    await server
      .run("revoke create on schema public from app; delete from item where id < 1000")
      .catch(() => undefined);
  });
});

describe("a pair of sites with leases", () => {
  let servers: TwoServers;
  let pair: Pair;

  beforeAll(async () => {
    servers = await startTwoServers();
  });
  afterAll(() => servers.remove());
  afterEach(() => pair.close());

  const leased = async (application: string): Promise<Pair> => {
    pair = await Pair.make(servers, { application, leased: true });
    await pair.follow();
    return pair;
  };
  const write = async (site: string): Promise<void> => {
    await (await pair.client(site, "app")).query("insert into orders (customer) values ('x')");
  };
  const grant = async (site: string, epoch: number): Promise<void> => {
    const lease = pair.replication.siteLease(site);
    const { nowMs } = await lease.read(soon());
    await lease.extend({ epoch, untilMs: nowMs + 600_000 }, soon());
  };

  test("goes on writing when leases are switched on, and stops once the first one lapsed", async () => {
    await leased("lease-on");
    await write(SITE_A);
    expect(await pair.replication.siteLease(SITE_A).read(soon())).toMatchObject({ untilMs: null });
    await grant(SITE_A, 1);
    await write(SITE_A);
    const lease = pair.replication.siteLease(SITE_A);
    await lease.extend({ epoch: 1, untilMs: 0 }, soon());
    await expect(write(SITE_A)).rejects.toMatchObject(LAPSED);
    await expect(lease.read(soon())).resolves.toMatchObject({ role: "active" });
  });

  test("gets back guards that are gone at one site, which are no difference of its schema", async () => {
    await leased("lease-guards");
    const admin = await pair.client(SITE_A, "admin");
    await admin.query("drop trigger cloudphoenix_lease on orders");
    await pair.follow();
    await grant(SITE_A, 1);
    await pair.replication.siteLease(SITE_A).extend({ epoch: 1, untilMs: 0 }, soon());
    await expect(write(SITE_A)).rejects.toMatchObject(LAPSED);
  });

  test("applies what it replicates although the standby has no lease", async () => {
    await leased("lease-apply");
    await pair.ask(SITE_B, "select setval('cloudphoenix.lease_until', 0)");
    await grant(SITE_A, 1);
    await write(SITE_A);
    await until(async () => (await pair.ask(SITE_B, "select from orders")).length === 1);
    await expect(write(SITE_B)).rejects.toMatchObject({ code: "25006" });
  });

  test("a fence ends the lease with the role; unfencing leaves it to the agent", async () => {
    const { control } = (await leased("lease-fence")).replication;
    await grant(SITE_A, 1);
    await control.fence(SITE_A, 2, soon());
    const lease = pair.replication.siteLease(SITE_A);
    const state = await lease.read(soon());
    expect(state).toMatchObject({ role: "fenced", epoch: 2 });
    expect(state.untilMs).toBeLessThan(state.nowMs);
    await expect(grant(SITE_A, 2)).rejects.toMatchObject(STALE);
    await control.unfence(SITE_A, 2, soon());
    await expect(write(SITE_A)).rejects.toMatchObject(LAPSED);
    await grant(SITE_A, 2);
    await write(SITE_A);
  });

  test("a promoted site opens its gate, and writes once the lease is installed", async () => {
    const { control } = (await leased("lease-promote")).replication;
    await grant(SITE_A, 1);
    await control.fence(SITE_A, 2, soon());
    await control.promote(SITE_B, SITE_A, 2, soon());
    await control.openWrites(SITE_B, 2, soon());
    await expect(write(SITE_B)).rejects.toMatchObject(LAPSED);
    await grant(SITE_B, 2);
    await write(SITE_B);
  });

  test("a returned old primary refuses although its role and its gate say that it is open", async () => {
    const { control } = (await leased("lease-returned")).replication;
    await grant(SITE_A, 1);
    await write(SITE_A);
    await pair.server(SITE_A).local.stop("immediate");
    await control.promote(SITE_B, SITE_A, 2, soon());
    await control.openWrites(SITE_B, 2, soon());
    await grant(SITE_B, 2);
    await write(SITE_B);
    await pair.server(SITE_A).reopen();
    expect(await control.inspect(SITE_A, soon())).toMatchObject({
      role: "active",
      writesOpen: true,
      generation: 1,
    });
    await expect(write(SITE_A)).rejects.toMatchObject(LAPSED);
  });

  test("is set free when leases are no longer configured, but never while it is closed", async () => {
    await leased("lease-off");
    await grant(SITE_A, 1);
    await pair.replication.siteLease(SITE_A).extend({ epoch: 1, untilMs: 0 }, soon());
    await pair.replication.releaseLease(SITE_A, soon());
    await expect(write(SITE_A)).rejects.toMatchObject(LAPSED);
    const without = pair.another({ leased: false });
    await without.releaseLease(SITE_B, soon());
    await without.releaseLease(SITE_A, soon());
    await without.releaseLease(SITE_A, soon());
    await write(SITE_A);
    await expect(write(SITE_B)).rejects.toMatchObject({ code: "25006" });
    await pair.replication.siteLease(SITE_A).surrender(2, soon());
    await without.releaseLease(SITE_A, soon());
    await expect(write(SITE_A)).rejects.toMatchObject({ code: "25006" });
  });
});
