/** A real PostgreSQL with the service's schema and roles, and services that run on it. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openServer, type LocalServer } from "@cloudphoenix/local-postgres";
import { Client } from "pg";
import { type RunningService, startService } from "@cloudphoenix/chassis";
import { freePort } from "../../../packages/local-postgres/test/free-port.ts";
import type { OrderDraft } from "../src/order.ts";
import { assembleOrders } from "../src/service.ts";
import { ordersSettings } from "../src/settings.ts";

const run = promisify(execFile);
const MIGRATE = fileURLToPath(new URL("../src/migrate.ts", import.meta.url));
const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const PASSWORD = "app-secret";

export interface World {
  readonly server: LocalServer;
  readonly directory: string;
  /** Environment of a service on this world, without HOST and PORT. */
  readonly environment: Record<string, string>;
  /** Runs SQL as the superuser in the application's database. */
  sql(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

/** As adapters/postgres makes it, as far as the service can see it. */
const CLOUDPHOENIX_SCHEMA = `
  create schema cloudphoenix;
  create table cloudphoenix.site (
    site text not null, role text not null, generation bigint not null, writes_open boolean not null,
    durability text not null, updated_at timestamptz not null default now());
  insert into cloudphoenix.site values ('aws-us-east-1', 'active', 7, true, 'async');
  create function cloudphoenix.refuse() returns trigger language plpgsql as $$
    begin raise exception 'cloudphoenix: writes are closed at this site' using errcode = '25006'; end $$;
  grant usage on schema cloudphoenix to app;
  grant select on cloudphoenix.site to app;`;

export const CLOSE_WRITES = `
  update cloudphoenix.site set role = 'standby', writes_open = false;
  create trigger fence before insert or update or delete or truncate on orders
    for each statement execute function cloudphoenix.refuse();
  create trigger fence before insert or update or delete or truncate on idempotency_keys
    for each statement execute function cloudphoenix.refuse();
  create trigger fence before insert or update or delete or truncate on receipts
    for each statement execute function cloudphoenix.refuse();`;

export const OPEN_WRITES = `
  update cloudphoenix.site set role = 'active', writes_open = true;
  drop trigger if exists fence on orders; drop trigger if exists fence on idempotency_keys;
  drop trigger if exists fence on receipts;`;

export async function openWorld(
  options: { readonly managed?: boolean; readonly settings?: Record<string, string> } = {},
): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), "orders-"));
  const superuserFile = await secretFile(directory, "superuser", "super-secret");
  const appFile = await secretFile(directory, "app", PASSWORD);
  const port = await freePort();
  const server = await openServer({
    directory: join(directory, "postgres"),
    auth: { kind: "scram", passwordFile: superuserFile },
    socket: null,
    tcp: { host: "127.0.0.1", port },
    settings: { fsync: "off", ...options.settings },
  });
  await withClient(server, "postgres", async (client) => {
    await client.query(`create role app login password '${PASSWORD}'`);
    await client.query("create database app");
  });
  const world: World = {
    server,
    directory,
    environment: {
      DATABASE_URL: `postgresql://app@127.0.0.1:${port}/app`,
      DATABASE_PASSWORD_FILE: appFile,
      SITE: "aws-us-east-1",
      CLOUD: "aws",
      REGION: "us-east-1",
      POD: "orders-1",
      LOG_LEVEL: "silent",
      SHUTDOWN_DELAY_MS: "0",
      RATE_LIMIT_PER_MINUTE: "0",
    },
    sql: (text, values) => withClient(server, "app", (client) => rowsOf(client, text, values)),
    close: async () => {
      await server.stop("immediate");
      await rm(directory, { recursive: true, force: true });
      await rm(server.directory, { recursive: true, force: true });
    },
  };
  await migrate(world);
  if (options.managed !== false) await world.sql(CLOUDPHOENIX_SCHEMA);
  return world;
}

/** Runs the migrations as the superuser; answers what they printed. */
export async function migrate(
  world: World,
  environment: Record<string, string> = {},
): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, [MIGRATE], {
    env: {
      ...process.env,
      DATABASE_URL: world.server.url("app"),
      DATABASE_PASSWORD_FILE: join(world.directory, "superuser"),
      APP_ROLE: "app",
      ...environment,
    },
  });
  return stdout + stderr;
}

/** A service in this process. */
export async function serve(
  world: World,
  environment: Record<string, string> = {},
): Promise<RunningService & { readonly url: string }> {
  const complete = { ...world.environment, PORT: "0", ...environment };
  const service = await startService(await assembleOrders(ordersSettings(complete), complete));
  return { ...service, url: `http://127.0.0.1:${service.port}` };
}

export interface ServiceProcess {
  readonly child: ChildProcess;
  readonly url: string;
  /** Everything it logged so far, one object per line. */
  readonly lines: Record<string, unknown>[];
  readonly exit: Promise<number | null>;
}

/** A service as a process of its own, listening. */
export async function spawnService(
  world: World,
  environment: Record<string, string> = {},
): Promise<ServiceProcess> {
  const child = spawn(process.execPath, [MAIN], {
    env: { ...process.env, ...world.environment, LOG_LEVEL: "info", PORT: "0", ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: Record<string, unknown>[] = [];
  const listening = Promise.withResolvers<number>();
  let pending = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    const parts = (pending + chunk).split("\n");
    pending = parts.pop() ?? "";
    for (const part of parts) {
      const line: Record<string, unknown> = JSON.parse(part);
      lines.push(line);
      if (line["msg"] === "listening") listening.resolve(Number(line["port"]));
    }
  });
  // "close" comes once all it has said is read, "exit" may come before that.
  const exit = new Promise<number | null>((resolve) => child.on("close", resolve));
  void exit.then(() => listening.reject(new Error("the service ended before it listened")));
  return { child, url: `http://127.0.0.1:${await listening.promise}`, lines, exit };
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

export const DRAFT: OrderDraft = { customer: "Ada", items: [{ sku: "tea-1", quantity: 2 }] };

export function place(url: string, key: string, draft: unknown = DRAFT): Promise<Answer> {
  return ask(`${url}/orders`, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": key },
    body: JSON.stringify(draft),
  });
}

/** Asks until `accept` is content; the deadline only guards against hanging for ever. */
export async function eventually<T>(
  attempt: () => Promise<T>,
  accept: (value: T) => boolean,
): Promise<T> {
  const deadlineMs = Date.now() + 20_000;
  for (;;) {
    const value = await attempt();
    if (accept(value)) return value;
    if (Date.now() > deadlineMs) throw new Error(`never came true: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function withClient<T>(
  server: LocalServer,
  database: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const url = new URL(server.url(database));
  url.password = "super-secret";
  // The tests' own commits never wait for a standby.
  const client = new Client({
    connectionString: url.href,
    options: "-c synchronous_commit=local",
  });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function rowsOf(
  client: Client,
  text: string,
  values?: unknown[],
): Promise<Record<string, unknown>[]> {
  const result = await client.query<Record<string, unknown>>(text, values);
  return result.rows;
}

async function secretFile(directory: string, name: string, secret: string): Promise<string> {
  const file = join(directory, name);
  await writeFile(file, `${secret}\n`, { mode: 0o600 });
  return file;
}
