/** One PostgreSQL server per test file, one database per test, and everything gone afterwards. */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Roles } from "@cloudphoenix/core";
import type { Clock } from "@cloudphoenix/engine";
import { type LocalServer, openServer } from "@cloudphoenix/local-postgres";
import { Client } from "pg";
import { afterAll, beforeAll } from "vitest";
import {
  DbosPlanRunner,
  type StateDatabase,
  ensureDatabase,
  openStateDatabase,
} from "../src/index.ts";

export interface StateServer {
  readonly server: () => LocalServer;
  /** Address of a database that exists only once it is opened. */
  readonly freshUrl: () => string;
  /** Address of a database a plan runner was launched on before, without any run. */
  readonly launchedUrl: () => Promise<string>;
}

/** Starts a server before the tests of this file and removes it after them. */
export function useStateServer(): StateServer {
  let server: LocalServer | undefined;
  let directory = "";
  let databases = 0;
  let template: Promise<string> | null = null;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "adapter-dbos-"));
    await chmod(directory, 0o755);
    server = await openServer({
      directory,
      auth: { kind: "trust-socket" },
      socket: { directory: join(directory, "run") },
      tcp: null,
      // Processes are killed here, never the machine: what was committed outlives them all the same.
      settings: { fsync: "off" },
    });
  });
  afterAll(async () => {
    await server?.remove();
    await rm(directory, { recursive: true, force: true });
  });
  const started = (): LocalServer => {
    if (server === undefined) throw new Error("the server starts before the tests");
    return server;
  };
  const freshUrl = (): string => {
    databases += 1;
    return started().url(`state_${databases}`);
  };
  return {
    server: started,
    freshUrl,
    launchedUrl: async () => {
      template ??= launchedOnce(freshUrl());
      const url = freshUrl();
      const names = [nameOf(url), nameOf(await template)] as const;
      await query(started().url("postgres"), `create database ${names[0]} template ${names[1]}`);
      return url;
    },
  };
}

/** Launches a runner once: a copy of what it leaves saves every test the migrations of DBOS. */
async function launchedOnce(url: string): Promise<string> {
  await ensureDatabase(url);
  const runner = await DbosPlanRunner.launch({
    url,
    leadership: { epoch: 1, lost: new AbortController().signal },
    interpret: async () => null,
    executeBranch: async () => null,
    clock: systemClock,
    log: () => undefined,
  });
  await runner.close();
  return url;
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    await wait(ms, undefined, signal === undefined ? {} : { signal });
  },
};

export const initialRoles: Roles = {
  generation: 7,
  active: "aws-us-east-1",
  claimedBy: null,
  protected: true,
};

/** Opens the state database of the application `shop`. */
export async function openState(url: string): Promise<StateDatabase> {
  return openStateDatabase({ url, application: "shop", initialRoles, log: () => undefined });
}

/** Runs one statement on a connection of its own. */
export async function query(
  url: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}
