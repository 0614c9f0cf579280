/** A real PostgreSQL and services of the chassis on it. */
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openServer, type LocalServer } from "@cloudphoenix/local-postgres";
import { Client } from "pg";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { freePort } from "../../local-postgres/test/free-port.ts";
import {
  assembleDatabaseService,
  Database,
  DATABASE_FIELDS,
  readSettings,
  SERVICE_FIELDS,
  startService,
  type DatabaseOptions,
  type DatabaseService,
  type RunningService,
  type ServiceOptions,
} from "../src/index.ts";

const PASSWORD = "app-secret";

export interface World {
  readonly server: LocalServer;
  readonly directory: string;
  readonly port: number;
  readonly passwordFile: string;
  /** Environment of a service on this world. */
  readonly environment: Record<string, string>;
  /** Runs SQL as the superuser in the application's database. */
  sql(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  /** A database client of the chassis; close it yourself. */
  database(options?: Partial<DatabaseOptions>): Database;
  close(): Promise<void>;
}

/** As adapters/postgres makes it, as far as a service can see it. */
export const CLOUDPHOENIX_SCHEMA = `
  create schema cloudphoenix;
  create table cloudphoenix.site (
    site text not null, role text not null, generation bigint not null, writes_open boolean not null,
    durability text not null, updated_at timestamptz not null default now());
  insert into cloudphoenix.site values ('aws-us-east-1', 'active', 7, true, 'async');
  create function cloudphoenix.refuse() returns trigger language plpgsql as $$
    begin raise exception 'cloudphoenix: writes are closed at this site' using errcode = '25006'; end $$;
  grant usage on schema cloudphoenix to app;
  grant select on cloudphoenix.site to app;`;

/** Installs the lease; `lease` is SQL for its remaining time. */
export function leaseOf(remaining: string): string {
  return `create or replace function cloudphoenix.lease_remaining_ms() returns integer
          language sql volatile as $$ select ${remaining} $$;
          grant execute on function cloudphoenix.lease_remaining_ms() to app;`;
}

export async function openWorld(): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), "chassis-"));
  const superuserFile = join(directory, "superuser");
  const passwordFile = join(directory, "app");
  await writeFile(superuserFile, "super-secret\n", { mode: 0o600 });
  await writeFile(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
  const port = await freePort();
  const server = await openServer({
    directory: join(directory, "postgres"),
    auth: { kind: "scram", passwordFile: superuserFile },
    socket: null,
    tcp: { host: "127.0.0.1", port },
    settings: { fsync: "off", max_connections: "60" },
  });
  await withClient(server, "postgres", async (client) => {
    await client.query(`create role app login password '${PASSWORD}'`);
    await client.query("create database app owner app");
  });
  await withClient(server, "app", (client) =>
    client.query("grant create, usage on schema public to app"),
  );
  return {
    server,
    directory,
    port,
    passwordFile,
    environment: {
      DATABASE_URL: `postgresql://app@127.0.0.1:${port}/app`,
      DATABASE_PASSWORD_FILE: passwordFile,
      SITE: "aws-us-east-1",
      CLOUD: "aws",
      REGION: "us-east-1",
      POD: "test-1",
      PORT: "0",
      LOG_LEVEL: "silent",
      SHUTDOWN_DELAY_MS: "0",
    },
    sql: (text, values) =>
      withClient(server, "app", async (client) => (await client.query(text, values)).rows),
    database: (options = {}) =>
      new Database({
        address: { host: "127.0.0.1", port, user: "app", database: "app", sslMode: "disable" },
        password: { value: async () => PASSWORD, invalidate: () => undefined },
        name: "test",
        ...options,
      }),
    close: async () => {
      await server.stop("immediate");
      await rm(directory, { recursive: true, force: true });
      await rm(server.directory, { recursive: true, force: true });
    },
  };
}

export interface Serving extends RunningService {
  readonly url: string;
  readonly service: DatabaseService;
}

/** A service in this process with the routes given. */
export async function serve(
  world: Pick<World, "environment">,
  routes: (app: FastifyInstance, service: DatabaseService) => void,
  options: Partial<ServiceOptions> & { readonly set?: Record<string, string> } = {},
): Promise<Serving> {
  const { set, ...rest } = options;
  const environment = { ...world.environment, ...set };
  const settings = readSettings(z.object({ ...SERVICE_FIELDS, ...DATABASE_FIELDS }), {
    environment,
    file: null,
  });
  const service = await assembleDatabaseService({
    name: "test",
    version: "1.2.3",
    environment,
    ...rest,
    settings,
  });
  routes(service.app, service);
  const running = await startService(service.parts);
  return { ...running, url: `http://127.0.0.1:${running.port}`, service };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

export async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  const body: Record<string, unknown> = text.startsWith("{") ? JSON.parse(text) : { text };
  return { status: response.status, headers: response.headers, body };
}

/** Asks until `accept` is content; the deadline only guards against hanging for ever. */
export async function eventually<T>(
  attempt: () => Promise<T> | T,
  accept: (value: T) => boolean = Boolean,
): Promise<T> {
  const deadlineMs = Date.now() + 20_000;
  for (;;) {
    const value = await attempt();
    if (accept(value)) return value;
    if (Date.now() > deadlineMs) throw new Error(`never came true: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function withClient<T>(
  server: LocalServer,
  database: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const url = new URL(server.url(database));
  url.password = "super-secret";
  const client = new Client({ connectionString: url.href });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Runs `work` while another session holds `table` so that nobody can read or write it. */
export async function withLock<T>(world: World, table: string, work: () => Promise<T>): Promise<T> {
  return withClient(world.server, "app", async (holder) => {
    await holder.query("begin");
    await holder.query(`lock table ${table} in access exclusive mode`);
    return work();
  });
}

/** How many sessions of the application wait for a lock. */
export async function waitingSessions(world: World): Promise<number> {
  const waiting = await world.sql(
    "select 1 from pg_stat_activity where usename = 'app' and wait_event_type = 'Lock'",
  );
  return waiting.length;
}

/** Stops the server's processes where they are while `work` runs, as a paused machine would. */
export async function whileFrozen<T>(world: World, work: () => Promise<T>): Promise<T> {
  const pids = sessionPids(world);
  try {
    for (const pid of pids) signal(pid, "SIGSTOP");
    return await work();
  } finally {
    for (const pid of pids) signal(pid, "SIGCONT");
  }
}

/** A session may have ended since it was listed. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone.
  }
}

/** The server and every session of it: children of the postmaster. */
function sessionPids(of: World): number[] {
  const postmaster = of.server.pid();
  if (postmaster === null) throw new Error("the server does not run");
  const children = readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === postmaster;
    } catch {
      return false;
    }
  });
  return [postmaster, ...children.map(Number)];
}

const sockets = new WeakMap<Server, Set<object>>();

/** Forwards every connection to the server; counts those that are open. */
export async function proxy(host: string, to: number, at = 0): Promise<Server> {
  const open = new Set<object>();
  const server = createServer((client) => {
    open.add(client);
    const upstream = connect(to, "127.0.0.1");
    client.pipe(upstream).pipe(client);
    const end = (): void => {
      open.delete(client);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on("error", end).on("close", end);
  });
  sockets.set(server, open);
  await new Promise<void>((resolve) => server.listen(at, host, resolve));
  return server;
}

export function connectionsOf(server: Server): number {
  return sockets.get(server)?.size ?? 0;
}

export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
