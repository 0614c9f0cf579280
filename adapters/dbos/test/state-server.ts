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
import { type StateDatabase, openStateDatabase } from "../src/index.ts";

export interface StateServer {
  readonly server: () => LocalServer;
  /** Address of a database that exists only once it is opened. */
  readonly freshUrl: () => string;
}

/** Starts a server before the tests of this file and removes it after them. */
export function useStateServer(): StateServer {
  let server: LocalServer | undefined;
  let directory = "";
  let databases = 0;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "adapter-dbos-"));
    await chmod(directory, 0o755);
    server = await openServer({
      directory,
      auth: { kind: "trust-socket" },
      socket: { directory: join(directory, "run") },
      tcp: null,
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
  return {
    server: started,
    freshUrl: () => {
      databases += 1;
      return started().url(`state_${databases}`);
    },
  };
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
