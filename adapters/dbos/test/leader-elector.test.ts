import { afterEach, describe, expect, test } from "vitest";
import type { Leadership } from "@cloudphoenix/engine";
import { Client } from "pg";
import { PostgresLeaderElector } from "../src/index.ts";
import { LeaderSession } from "../src/leader/leader-session.ts";
import { ControllerProcess } from "./controller-process.ts";
import { StalledServer } from "./stalled-server.ts";
import { openState, query, systemClock, useStateServer } from "./state-server.ts";

const stateServer = useStateServer();
const { freshUrl } = stateServer;
const electors: PostgresLeaderElector[] = [];

afterEach(async () => {
  await Promise.all(electors.splice(0).map((elector) => elector.resign()));
});

/** Address of a state database that is ready for elections. */
async function electorate(): Promise<string> {
  const url = freshUrl();
  await (await openState(url)).close();
  return url;
}

function newElector(url: string): PostgresLeaderElector {
  const created = new PostgresLeaderElector({
    url,
    holder: "test",
    clock: systemClock,
    log: () => undefined,
  });
  electors.push(created);
  return created;
}

async function lead(url: string): Promise<Leadership> {
  return newElector(url).lead(AbortSignal.timeout(50_000));
}

async function lost(leadership: Leadership): Promise<unknown> {
  if (!leadership.lost.aborted) {
    await new Promise((settle) => leadership.lost.addEventListener("abort", settle));
  }
  return leadership.lost.reason;
}

describe("a leader", { timeout: 60_000 }, () => {
  test("keeps everybody else waiting until it resigns, and the epoch grows", async () => {
    const url = await electorate();
    const first = newElector(url);
    const leadership = await first.lead(AbortSignal.timeout(50_000));
    const waiting = newElector(url).lead(AbortSignal.timeout(1_500));
    await expect(waiting).rejects.toMatchObject({ code: "ABORTED" });
    expect(leadership.lost.aborted).toBe(false);

    await first.resign();
    expect(await lost(leadership)).toMatchObject({ code: "NOT_LEADER" });
    expect((await lead(url)).epoch).toBe(leadership.epoch + 1);
  });

  test("that is killed is followed", async () => {
    const url = await electorate();
    const killed = new ControllerProcess(url, null, "");
    await killed.until(({ said }) => said.length > 0);
    const next = lead(url);
    killed.kill("SIGKILL");
    expect((await next).epoch).toBe(2);
  });

  test("whose session is ended knows it and is followed", async () => {
    const url = await electorate();
    const leadership = await lead(url);
    const next = lead(url);
    await query(url, "select pg_terminate_backend(backend_pid) from cloudphoenix.leader");
    expect(await lost(leadership)).toMatchObject({ code: "NOT_LEADER" });
    expect((await next).epoch).toBe(2);
  });

  test("that is frozen is followed, and leaves when it thaws", async () => {
    const url = await electorate();
    const frozen = new ControllerProcess(url, null, "");
    await frozen.until(({ said }) => said.length > 0);
    frozen.kill("SIGSTOP");

    const leadership = await lead(url);
    expect(leadership.epoch).toBe(2);

    frozen.kill("SIGCONT");
    expect(await frozen.exited).toBe(75);
    expect(frozen.said.at(-1)).toEqual({ said: "lost" });
    expect(leadership.lost.aborted).toBe(false);
  });

  test("that cannot renew its beat stops leading before a standby may take over", async () => {
    const url = await electorate();
    const leadership = await lead(url);
    // Somebody holds the row: beats hang, the session lives.
    const blocker = new Client({ connectionString: url });
    await blocker.connect();
    try {
      await blocker.query("begin; select id from cloudphoenix.leader for update");
      expect(await lost(leadership)).toMatchObject({ code: "NOT_LEADER" });
    } finally {
      await blocker.end();
    }
  });

  test("leaves no session behind at a server that accepts it and then stalls", async () => {
    const stalled = await StalledServer.listening();
    try {
      const opening = LeaderSession.open(stalled.url, () => undefined);
      await expect(opening).rejects.toThrow(/timeout/u);
      expect(stalled.accepted).toBe(1);
      await stalled.allGone(AbortSignal.timeout(20_000));
    } finally {
      stalled.close();
    }
  });

  test("is found again after the database was restarted", async () => {
    const url = await electorate();
    const { server } = stateServer;
    const leadership = await lead(url);
    const next = lead(url);
    await server().killHard();
    expect(await lost(leadership)).toMatchObject({ code: "NOT_LEADER" });
    await server().start();
    expect((await next).epoch).toBe(2);
  });
});
