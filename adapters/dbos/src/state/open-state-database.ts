/** Opens CloudPhoenix's own database: what must outlive every process. */
import { CloudPhoenixError, type Roles } from "@cloudphoenix/core";
import type { AuditLog, FactStore, RoleStore, RunStore, WorkQueue } from "@cloudphoenix/engine";
import type { CopiedVersions, TombstoneStore, UploadJournal } from "@cloudphoenix/objects";
import { Client, escapeIdentifier } from "pg";
import type { Log } from "../log.ts";
import { PostgresCopiedVersions } from "../objects/postgres-copied-versions.ts";
import { PostgresTombstoneStore } from "../objects/postgres-tombstone-store.ts";
import { PostgresUploadJournal } from "../objects/postgres-upload-journal.ts";
import { PostgresWorkQueue } from "../work/postgres-work-queue.ts";
import { PostgresAuditLog } from "./audit-log.ts";
import { PostgresFactStore } from "./fact-store.ts";
import { migrate } from "./migrations.ts";
import { PostgresRoleStore } from "./role-store.ts";
import { PostgresRunStore } from "./run-store.ts";
import { sqlStateOf } from "./passing-failure.ts";
import { StateConnection, stateError } from "./state-connection.ts";

export interface StateDatabaseOptions {
  /** Address of the database, password included if it needs one. Made if the server lacks it. */
  readonly url: string;
  /** Name of the application whose roles are kept. */
  readonly application: string;
  /** Where the application starts its life; counts only the first time. */
  readonly initialRoles: Roles;
  readonly log: Log;
}

/** The memory of one pair of object stores. */
export interface ObjectMemory {
  readonly journal: UploadJournal;
  readonly tombstones: TombstoneStore;
}

export interface StateDatabase {
  readonly roles: RoleStore;
  readonly runs: RunStore;
  readonly facts: FactStore;
  readonly audit: AuditLog;
  /** Of all applications that share this database. */
  readonly work: WorkQueue;
  /** What copying between two places remembers; `pair` names them and is the same everywhere. */
  objectMemory(pair: string): ObjectMemory;
  /** What is known to have been copied of the objects of the application. */
  readonly copiedVersions: CopiedVersions;
  /** The time by the database's clock; epoch ms. @throws {CloudPhoenixError} `STATE_UNAVAILABLE` */
  time(): Promise<number>;
  close(): Promise<void>;
}

const NO_SUCH_DATABASE = "3D000";
const EXISTS_ALREADY = ["42P04", "23505"];

/**
 * Connects, creates the database and the schema `cloudphoenix` if they are missing, and migrates.
 * Idempotent; several controllers may do it at once.
 * @throws {CloudPhoenixError} `STATE_UNAVAILABLE` (retryable), `STATE_VERSION`, `UNAUTHORIZED`
 */
export async function openStateDatabase(options: StateDatabaseOptions): Promise<StateDatabase> {
  await ensureDatabase(options.url);
  const state = new StateConnection(options.url, options.log);
  try {
    await migrate(state);
    const roles = new PostgresRoleStore(state, options.application);
    await roles.initialise(options.initialRoles);
    return {
      roles,
      runs: new PostgresRunStore(state),
      facts: new PostgresFactStore(state),
      audit: new PostgresAuditLog(state),
      work: new PostgresWorkQueue(state),
      objectMemory: (pair) => ({
        journal: new PostgresUploadJournal(state, pair),
        tombstones: new PostgresTombstoneStore(state, pair),
      }),
      copiedVersions: new PostgresCopiedVersions(state, options.application),
      time: () => timeOf(state),
      close: () => state.close(),
    };
  } catch (error) {
    await state.close();
    throw error;
  }
}

async function timeOf(state: StateConnection): Promise<number> {
  const [row] = await state.query<{ ms: number }>(
    "select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms",
  );
  return row?.ms ?? Number.NaN;
}

/** Makes the database of `url` if the server lacks it. Idempotent. */
export async function ensureDatabase(url: string): Promise<void> {
  const missing = await attempt(url, async () => undefined).then(
    () => false,
    (error: unknown) => {
      if (sqlStateOf(error) === NO_SUCH_DATABASE) return true;
      throw connectError(error);
    },
  );
  if (!missing) return;
  const server = new URL(url);
  const name = decodeURIComponent(server.pathname.slice(1));
  server.pathname = "/postgres";
  await attempt(server.href, async (client) => {
    await client.query(`create database ${escapeIdentifier(name)}`);
  }).catch((error: unknown) => {
    // Another controller was faster.
    if (EXISTS_ALREADY.includes(sqlStateOf(error) ?? "")) return;
    throw connectError(error);
  });
}

async function attempt(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function connectError(error: unknown): CloudPhoenixError {
  if (!(sqlStateOf(error) ?? "").startsWith("28")) return stateError(error);
  return new CloudPhoenixError("UNAUTHORIZED", "the state database does not accept us", {
    retryable: false,
    hint: "Check user and password in the address of the state database.",
    cause: error,
  });
}
