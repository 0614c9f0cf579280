import { setTimeout as wait } from "node:timers/promises";
import { describeLeaseWitness } from "@cloudphoenix/testkit";
import { Client } from "pg";
import { afterEach, describe, expect, test } from "vitest";
import { PostgresLeaderElector, PostgresLeaseWitness, prepareWitness } from "../src/index.ts";
import { openState, query, systemClock, useStateServer } from "./state-server.ts";

const { freshUrl } = useStateServer();
const FOREVER = new AbortController().signal;
const FIRST = { application: "shop", epoch: 1, holder: "site-a", renewals: 0 };
const log = (): void => undefined;

const opened: PostgresLeaseWitness[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

function witness(url: string, application: string = "shop"): PostgresLeaseWitness {
  const made = new PostgresLeaseWitness({ application, url, log });
  opened.push(made);
  return made;
}

/** A state database with a login for the agent of the application `shop`. */
async function prepared(): Promise<{ readonly owner: string; readonly agent: string }> {
  const owner = freshUrl();
  const login = `agent_${new URL(owner).pathname.slice(1)}`;
  const logins = [{ login, password: "secret" }];
  await prepareWitness({ url: owner, application: "shop", logins, log });
  return { owner, agent: asRole(owner, login) };
}

function asRole(url: string, login: string): string {
  const address = new URL(url);
  address.username = login;
  return address.href;
}

describeLeaseWitness({
  name: "PostgreSQL",
  setup: async () => {
    const { owner, agent } = await prepared();
    const [one, another] = [witness(owner), witness(agent)];
    return { witness: one, another, stop: async () => undefined };
  },
});

describe("the login of an agent", () => {
  test("can be prepared before any controller has started, and again", async () => {
    const { owner, agent } = await prepared();
    const login = decodeURIComponent(new URL(agent).username);
    await prepareWitness({
      url: owner,
      application: "shop",
      logins: [{ login, password: "other" }],
      log,
    });
    const state = await openState(owner);
    await state.close();
    expect(await witness(agent).replace(FIRST, null, FOREVER)).not.toBeNull();
  });

  test("can be prepared again while a controller leads, without waiting for it", async () => {
    const { owner, agent } = await prepared();
    await (await openState(owner)).close();
    const clock = systemClock;
    const elector = new PostgresLeaderElector({ url: owner, holder: "test", clock, log });
    const leadership = await elector.lead(AbortSignal.timeout(20_000));
    try {
      const login = decodeURIComponent(new URL(agent).username);
      const logins = [{ login, password: "other" }];
      await prepareWitness({ url: owner, application: "shop", logins, log });
      expect(leadership.lost.aborted).toBe(false);
    } finally {
      await elector.resign();
    }
  });

  test("reaches the lease of its application and no other", async () => {
    const { owner, agent } = await prepared();
    await witness(owner, "bank").replace({ ...FIRST, application: "bank" }, null, FOREVER);
    const reading = witness(agent, "bank").read(FOREVER);
    await expect(reading).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  });

  test("sees no table of the state, not even that of the lease", async () => {
    const { agent } = await prepared();
    for (const table of ["role", "run", "fact", "audit", "lease", "lease_login"]) {
      await expect(query(agent, `select from cloudphoenix.${table}`)).rejects.toThrow(/denied/u);
    }
  });

  test("cannot set epoch or renewals back", async () => {
    const { agent } = await prepared();
    const shop = witness(agent);
    const version = await shop.replace({ ...FIRST, epoch: 3, renewals: 9 }, null, FOREVER);
    const back = { ...FIRST, epoch: 2, renewals: 9 };
    expect(await shop.replace(back, version, FOREVER)).toBeNull();
    expect(await shop.replace({ ...back, epoch: 4, renewals: 8 }, version, FOREVER)).toBeNull();
    expect((await shop.read(FOREVER))?.lease).toMatchObject({ epoch: 3, renewals: 9 });
  });
});

describe("a witness that does not answer", () => {
  test("is not there yet before the state database was ever opened", async () => {
    const reading = witness(freshUrl()).read(FOREVER);
    await expect(reading).rejects.toMatchObject({ code: "STATE_UNAVAILABLE", retryable: true });
  });

  test("is given up as soon as its caller gives up", async () => {
    const { agent, owner } = await prepared();
    const blocked = await blockedLease(owner);
    const stop = new AbortController();
    const reading = witness(agent).replace({ ...FIRST, renewals: 1 }, "1", stop.signal);
    await wait(50);
    stop.abort();
    await expect(reading).rejects.toMatchObject({ code: "ABORTED" });
    await blocked.end();
  });
});

/** Another session holds the row of the lease. */
async function blockedLease(owner: string): Promise<Client> {
  await witness(owner).replace(FIRST, null, FOREVER);
  const client = new Client({ connectionString: owner });
  await client.connect();
  await client.query("begin");
  await client.query("select from cloudphoenix.lease for update");
  return client;
}
