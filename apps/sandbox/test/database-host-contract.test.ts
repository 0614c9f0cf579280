// The client of the provider API passes the suite of a database's host, over a real server.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalDatabaseHost } from "@cloudphoenix/adapter-local";
import { describeDatabaseHost } from "@cloudphoenix/testkit";
import { Client } from "pg";
import { afterAll, beforeAll } from "vitest";
import { serveJson } from "../src/http/json-api.ts";
import { ProcessRegistry, systemClock } from "../src/process/index.ts";
import { SiteDatabase } from "../src/site/database.ts";
import { GenerationGuard } from "../src/site/generation-guard.ts";
import { providerRoutes } from "../src/site/provider-api.ts";
import { freePorts } from "./fixtures/free-ports.ts";

const SITE = "aws-us-east-1";
const SUPERUSER = "postgres";
const PASSWORD = "super-secret-1";

/** Enough for a start on a busy machine. */
const LIMIT_MS = 5_000;

let directory: string;
let database: SiteDatabase;
let port: number;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "cloudphoenix-host-"));
  const passwordFile = join(directory, "password");
  await writeFile(passwordFile, PASSWORD, { mode: 0o600 });
  [port = 0] = await freePorts(1);
  database = await SiteDatabase.open({
    site: SITE,
    directory: join(directory, "postgres"),
    port,
    spec: {
      superuser: SUPERUSER,
      passwordFile,
      settings: { fsync: "off" },
      cacheDirectory: join(directory, "cache"),
    },
    registry: new ProcessRegistry(join(directory, "processes")),
  });
});
afterAll(async () => {
  await database.kill();
  await rm(directory, { recursive: true, force: true });
});

describeDatabaseHost({
  name: "the provider API of the sandbox",
  silenceLimitMs: LIMIT_MS,
  setup: async () => {
    await database.start();
    const [provider = 0, nobody = 0, unheard = 0] = await freePorts(3);
    const token = randomBytes(16).toString("hex");
    const generations = new GenerationGuard(join(directory, `generation-${provider}`));
    generations.admit(1);
    const api = await serveJson({
      host: "127.0.0.1",
      port: provider,
      token,
      routes: providerRoutes({ workloads: [], database, balancers: () => [], generations }),
    });
    const silent = createServer(() => undefined).listen(unheard, "127.0.0.1");
    await once(silent, "listening");
    const endpoints = new Map<string, { readonly url: string; readonly token: string }>();
    const lead = (target: number): void => {
      endpoints.set(SITE, { url: `http://127.0.0.1:${target}`, token });
    };
    lead(provider);
    return {
      host: new LocalDatabaseHost({ endpoints, timeoutMs: LIMIT_MS }),
      another: new LocalDatabaseHost({ endpoints, timeoutMs: LIMIT_MS }),
      site: SITE,
      clock: systemClock,
      server: startOfServer,
      crash: () => database.kill(),
      refuse: async () => lead(nobody),
      silence: async () => lead(unheard),
      stop: async () => {
        silent.close();
        await api.close();
      },
    };
  },
});

/** When the server that runs was started, by its own word; null if none runs. */
async function startOfServer(): Promise<string | null> {
  if (database.state === "stopped") return null;
  const client = new Client({
    host: "127.0.0.1",
    port,
    user: SUPERUSER,
    password: PASSWORD,
    database: "postgres",
  });
  // It may be killed before the session has ended.
  client.on("error", () => undefined);
  await client.connect();
  const { rows } = await client.query<{ started: string }>(
    "select pg_postmaster_start_time()::text as started",
  );
  await client.end();
  return rows[0]?.started ?? null;
}
