/** Failures of the state database that pass: nothing ends by them, and nobody stays with a server they come from. */
import { setTimeout as wait } from "node:timers/promises";
import { Client } from "pg";
import { afterEach, describe, expect, test } from "vitest";
import { DbosPlanRunner, PostgresLeaseWitness, openStateDatabase } from "../src/index.ts";
import { journalPool } from "../src/durable/journal-pool.ts";
import { statePool } from "../src/state/state-pool.ts";
import { StateConnection } from "../src/state/state-connection.ts";
import { samplePlan } from "./sample-plan.ts";
import { StalledServer } from "./stalled-server.ts";
import { initialRoles, openState, query, systemClock, useStateServer } from "./state-server.ts";

const { server, freshUrl, launchedUrl } = useStateServer();
const forever = new AbortController().signal;
const FIRST = { application: "shop", epoch: 1, holder: "site-a", renewals: 0 };
const log = (): void => undefined;
/** As DBOS recognises it. */
const WAITED_FOR = { cause: { message: "server closed the connection" } };

const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await takesWrites(true);
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

/** As a former primary, or a managed server whose disk is nearly full: sessions live on and only read. */
async function takesWrites(does: boolean): Promise<void> {
  const admin = server().url("postgres");
  await query(admin, `alter system set default_transaction_read_only = ${does ? "off" : "on"}`);
  await query(admin, "select pg_reload_conf()");
  await expect
    .poll(() => query(admin, "show default_transaction_read_only"))
    .toEqual([{ default_transaction_read_only: does ? "off" : "on" }]);
}

async function openedUrl(): Promise<string> {
  const url = freshUrl();
  await (await openState(url)).close();
  return url;
}

async function stateConnection(): Promise<StateConnection> {
  const state = new StateConnection(await openedUrl(), log);
  opened.push(state);
  return state;
}

async function leaseWitness(url: string): Promise<PostgresLeaseWitness> {
  const witness = new PostgresLeaseWitness({ application: "shop", url, log });
  opened.push(witness);
  return witness;
}

async function serverProcess(state: StateConnection): Promise<number | undefined> {
  return (await state.query<{ pid: number }>("select pg_backend_pid() as pid"))[0]?.pid;
}

/** Runs two steps; while the second is under way, `meanwhile` happens. How often it ran, once the run has ended well. */
async function timesDuring(url: string, meanwhile: () => Promise<void>): Promise<number> {
  let times = 0;
  const runner = await DbosPlanRunner.launch({
    url,
    leadership: { epoch: 1, lost: forever },
    interpret: async (context) => {
      await context.step("warms the connections", async () => null);
      await context.step("is recorded later", async () => {
        times += 1;
        await meanwhile();
        return null;
      });
      return null;
    },
    executeBranch: async () => null,
    clock: systemClock,
    log,
  });
  opened.push(runner);
  await runner.start(samplePlan("run-1"), "test");
  await runner.ended("run-1", forever);
  return times;
}

describe("a run", () => {
  // DBOS waits twice as long after each failed try, so a busy machine may need a while.
  const limit = { timeout: 60_000 };

  test.for([
    ["a serialization failure", "40001"],
    ["a statement somebody cancelled", "57014"],
    ["a lock it did not get in time", "55P03"],
    ["a disk that failed to read", "58030"],
    ["a disk that is full", "53100"],
    ["an internal error of a proxy", "XX000"],
  ] as const)("waits for the end of %s", limit, async ([, code]) => {
    const url = await launchedUrl();
    await query(
      url,
      `create function public.refuse() returns trigger language plpgsql as
       $$ begin raise exception 'not now' using errcode = '${code}'; end $$`,
    );
    let over: Promise<unknown> = Promise.resolve();
    const times = await timesDuring(url, async () => {
      await query(
        url,
        `create trigger refuse before insert on dbos.operation_outputs
         for each row execute function public.refuse()`,
      );
      over = wait(500).then(() => query(url, "drop trigger refuse on dbos.operation_outputs"));
    });
    await over;
    expect(times).toBe(1);
  });

  test("waits for a server that takes writes", limit, async () => {
    const url = await launchedUrl();
    let over: Promise<void> = Promise.resolve();
    const times = await timesDuring(url, async () => {
      await takesWrites(false);
      over = wait(500).then(() => takesWrites(true));
    });
    await over;
    expect(times).toBe(1);
  });
});

describe("the journal", () => {
  test("leaves a server that takes no writes, although whoever borrowed the session just gives it back", async () => {
    const url = await openedUrl();
    const journal = journalPool(url, log);
    opened.push({ close: () => journal.end() });
    const session = "select pg_backend_pid() as pid";
    const client = await journal.connect();
    const { rows: before } = await client.query(session);
    await takesWrites(false);
    const writing = client.query("delete from cloudphoenix.fact");
    await expect(writing).rejects.toMatchObject(WAITED_FOR);
    await expect(client.query("rollback")).rejects.toMatchObject(WAITED_FOR);
    client.release();
    await expect(journal.query(session)).rejects.toMatchObject(WAITED_FOR);
    await takesWrites(true);
    expect((await journal.query(session)).rows).not.toEqual(before);
  });

  test("costs the limit of connecting at a server that lets us in and then stalls", async () => {
    const stalled = await StalledServer.listening();
    const options = { connectionString: stalled.url, query_timeout: 90_000 };
    const pool = statePool({ ...options, connectionTimeoutMillis: 300 }, log);
    try {
      await expect(pool.connect()).rejects.toThrow(/timeout/u);
    } finally {
      await pool.end();
      stalled.close();
    }
  });

  test("tells DBOS of a failure of its own statement as it is", async () => {
    const journal = journalPool(await openedUrl(), log);
    opened.push({ close: () => journal.end() });
    const failed = await journal.query("select 1 / 0").catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: "22012" });
    expect(failed).not.toMatchObject(WAITED_FOR);
  });
});

describe("the state database", () => {
  test("that only answers reads is away, for its stores and at the start", async () => {
    const url = await openedUrl();
    const state = new StateConnection(url, log);
    opened.push(state);
    const before = await serverProcess(state);
    await takesWrites(false);
    const away = { code: "STATE_UNAVAILABLE", retryable: true };
    const writing = state.query("delete from cloudphoenix.fact");
    await expect(writing).rejects.toMatchObject(away);
    await expect(serverProcess(state)).rejects.toMatchObject(away);
    const opening = openStateDatabase({ url, application: "shop", initialRoles, log });
    await expect(opening).rejects.toMatchObject(away);
    await takesWrites(true);
    expect(await serverProcess(state)).not.toBe(before);
  });

  test("is not asked again on a session whose transaction it took no writes of", async () => {
    const state = await stateConnection();
    const before = await serverProcess(state);
    await takesWrites(false);
    const writing = state.transaction((client) => client.query("delete from cloudphoenix.fact"));
    await expect(writing).rejects.toMatchObject({ code: "STATE_UNAVAILABLE" });
    await takesWrites(true);
    expect(await serverProcess(state)).not.toBe(before);
  });

  test("that refuses a login which is being rotated is away", async () => {
    const owner = await openedUrl();
    await query(owner, "create role rotated login superuser");
    const address = new URL(owner);
    address.username = "rotated";
    const state = new StateConnection(address.href, log);
    opened.push(state);
    await serverProcess(state);
    await query(owner, "alter role rotated nologin");
    await query(
      owner,
      "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'rotated'",
    );
    await expect
      .poll(() => serverProcess(state).catch((error: unknown) => error))
      .toMatchObject({
        code: "STATE_UNAVAILABLE",
        message: expect.stringContaining("not permitted to log in"),
      });
    await query(owner, "alter role rotated login");
    await serverProcess(state);
  });

  test("that ends a session between two statements of a transaction costs that transaction", async () => {
    const url = await openedUrl();
    const state = new StateConnection(url, log);
    opened.push(state);
    const work = state.transaction(async (client) => {
      const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
      const heard = new Promise((settle) => client.once("end", settle));
      await query(url, "select pg_terminate_backend($1)", [rows[0]?.pid]);
      await heard;
      await client.query("select");
    });
    await expect(work).rejects.toMatchObject({ code: "STATE_UNAVAILABLE" });
    await serverProcess(state);
  });
});

describe("the lease witness", () => {
  test("that dies while it is asked costs the question and nothing else", async () => {
    const url = await openedUrl();
    const witness = await leaseWitness(url);
    const version = await witness.replace(FIRST, null, forever);
    const blocker = new Client({ connectionString: url });
    blocker.on("error", () => undefined);
    await blocker.connect();
    await blocker.query("begin");
    await blocker.query("select from cloudphoenix.lease for update");
    const asked = witness.replace({ ...FIRST, renewals: 1 }, version, forever);
    asked.catch(() => undefined);
    await wait(200);
    await server().killHard();
    await expect(asked).rejects.toMatchObject({ code: "STATE_UNAVAILABLE" });
    await server().start();
    expect(await witness.replace({ ...FIRST, renewals: 1 }, version, forever)).not.toBeNull();
  });

  test("that only answers reads is left for the one that takes writes", async () => {
    const url = await openedUrl();
    const witness = await leaseWitness(url);
    const version = await witness.replace(FIRST, null, forever);
    await takesWrites(false);
    const away = { code: "STATE_UNAVAILABLE", retryable: true };
    const renewing = witness.replace({ ...FIRST, renewals: 1 }, version, forever);
    await expect(renewing).rejects.toMatchObject(away);
    await expect(witness.read(forever)).rejects.toMatchObject(away);
    await takesWrites(true);
    expect(await witness.replace({ ...FIRST, renewals: 1 }, version, forever)).not.toBeNull();
  });
});
