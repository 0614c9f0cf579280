/**
 * Makes a server ready for CloudPhoenix: roles, database and exactly the rights they need.
 *
 * Run once per server with its master user (the superuser, or what a managed service gives
 * instead). Everything afterwards works with the admin role, which is no superuser:
 *
 * | Right of the admin role            | Needed for                                              | If it cannot be given |
 * | ---------------------------------- | ------------------------------------------------------- | --------------------- |
 * | login, `REPLICATION`               | slots: make, copy (loss report), drop                    | nothing works |
 * | `pg_create_subscription`, CREATE on the database | subscription, schema `cloudphoenix`, copied schemas | nothing works |
 * | membership in the owners of tables | gates, publication, sequences; apply runs as the owner   | nothing works |
 * | `pg_read_all_stats`                | seeing replication state and every session               | a fence is never `confirmed` |
 * | `pg_signal_backend`                | ending application sessions                              | a fence is never `confirmed` |
 * | `pg_show_replication_origin_status()` | how far the old primary was applied                   | promotion works, the exact loss stays unknown |
 * | SET on `session_replication_role`  | re-applying lost transactions; rejoining without checking foreign keys anew | rejoining takes longer, lost rows can only be exported |
 * | ALTER SYSTEM on `synchronous_standby_names`, `pg_reload_conf()` | durability `sync`           | use `barrier` |
 *
 * The replication role logs in from the other site: `REPLICATION`, and SELECT on the application's
 * tables (given at set-up). The application role gets `pg_read_all_stats`, because with durability
 * `barrier` the application itself looks how far the standby has flushed.
 *
 * What stays superuser's even so: extensions that are not trusted, and ending sessions of
 * superusers (the gates refuse their writes all the same).
 */
import { messageOf } from "@cloudphoenix/core";
import { Client, type ClientConfig, escapeIdentifier, escapeLiteral } from "pg";
import { clientConfig } from "./client-config.ts";
import { databaseError, sqlStateOf } from "./database-error.ts";
import { SESSION_NAME } from "./object-names.ts";
import { scramVerifier } from "./scram-verifier.ts";

/** A role and its password (printable ASCII). */
export interface RoleLogin {
  readonly role: string;
  readonly password: string;
}

export interface PrepareOptions {
  /** As the master user reaches the server, any database, without password. */
  readonly masterUrl: string;
  readonly masterPassword: string;
  /** The application's database; made if missing. */
  readonly database: string;
  readonly admin: RoleLogin;
  readonly replication: RoleLogin;
  readonly application: RoleLogin;
  /** For the agent that keeps the writer lease; it may connect, and call what set-up lets it. */
  readonly agent?: RoleLogin | null;
  /** Roles that own the application's tables, if not the admin role itself. */
  readonly tableOwners?: readonly string[];
  readonly connectTimeoutMs?: number;
}

export interface PreparedServer {
  readonly databaseCreated: boolean;
  /** Optional rights the master user could not give, and what will not work without them. */
  readonly withheld: readonly string[];
}

const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 30_000;

/** The server refuses because the master user has less rights than a superuser. */
const NOT_PERMITTED = "42501";

/**
 * Idempotent: what exists is kept, rights are completed, passwords are set to the given ones.
 * @throws {CloudPhoenixError} `UNREACHABLE`, `UNAUTHORIZED`, `BAD_REQUEST` for a password that is
 *   not printable ASCII
 */
export async function prepareServer(options: PrepareOptions): Promise<PreparedServer> {
  const master = clientConfig(options.masterUrl, "the server to prepare");
  const databaseCreated = await withMaster(options, master, async (client) => {
    await makeRoles(client, options);
    return makeDatabase(client, options.database);
  });
  const own = { ...master, database: options.database };
  const withheld = await withMaster(options, own, (client) => grantRights(client, options));
  return { databaseCreated, withheld };
}

async function makeRoles(client: Client, options: PrepareOptions): Promise<void> {
  const wanted = [
    { login: options.admin, attributes: "login replication" },
    { login: options.replication, attributes: "login replication" },
    { login: options.application, attributes: "login" },
    ...agentOf(options).map((login) => ({ login, attributes: "login" })),
  ];
  for (const { login, attributes } of wanted) {
    const role = escapeIdentifier(login.role);
    const known = await client.query("select from pg_roles where rolname = $1", [login.role]);
    const verb = known.rowCount === 0 ? "create" : "alter";
    const verifier = escapeLiteral(scramVerifier(login.password));
    await client.query(`${verb} role ${role} ${attributes} password ${verifier}`);
  }
}

function agentOf({ agent }: PrepareOptions): readonly RoleLogin[] {
  return agent === undefined || agent === null ? [] : [agent];
}

async function makeDatabase(client: Client, database: string): Promise<boolean> {
  const known = await client.query("select from pg_database where datname = $1", [database]);
  if (known.rowCount !== 0) return false;
  await client.query(`create database ${escapeIdentifier(database)}`);
  return true;
}

async function grantRights(client: Client, options: PrepareOptions): Promise<readonly string[]> {
  const admin = escapeIdentifier(options.admin.role);
  const replication = escapeIdentifier(options.replication.role);
  const application = escapeIdentifier(options.application.role);
  const database = escapeIdentifier(options.database);
  const owners = (options.tableOwners ?? []).map((owner) => escapeIdentifier(owner));
  const agents = agentOf(options).map(({ role }) => escapeIdentifier(role));
  const needed = [
    `grant connect, create, temporary on database ${database} to ${admin}`,
    `grant connect on database ${database} to ${[replication, application, ...agents].join(", ")}`,
    `grant usage, create on schema public to ${admin}`,
    `grant usage on schema public to ${application}`,
    `grant pg_create_subscription to ${admin}`,
    ...owners.map((owner) => `grant ${owner} to ${admin}`),
  ];
  for (const statement of needed) await client.query(statement);

  const optional: readonly (readonly [string, string])[] = [
    [`grant pg_read_all_stats to ${admin}`, "fences cannot be confirmed"],
    [`grant pg_signal_backend to ${admin}`, "fences cannot be confirmed"],
    [`grant pg_read_all_stats to ${application}`, "durability barrier cannot be used"],
    [
      `grant execute on function pg_show_replication_origin_status() to ${admin}`,
      "the exact loss of a failover stays unknown",
    ],
    [
      `grant set on parameter session_replication_role to ${admin}`,
      "lost transactions cannot be applied again, only exported",
    ],
    [
      `grant set, alter system on parameter synchronous_standby_names to ${admin}`,
      "durability sync cannot be used",
    ],
    [`grant execute on function pg_reload_conf() to ${admin}`, "durability sync cannot be used"],
  ];
  const withheld: string[] = [];
  for (const [statement, consequence] of optional) {
    if (!(await granted(client, statement))) withheld.push(`${statement}: ${consequence}`);
  }
  return withheld;
}

async function granted(client: Client, statement: string): Promise<boolean> {
  try {
    await client.query(statement);
    return true;
  } catch (error) {
    if (sqlStateOf(error) === NOT_PERMITTED) return false;
    throw error;
  }
}

async function withMaster<T>(
  options: PrepareOptions,
  config: ClientConfig,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({
    ...config,
    password: options.masterPassword,
    application_name: SESSION_NAME,
    connectionTimeoutMillis: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
  });
  // A server that dies in between is reported by the statement; the event must not end us.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    throw databaseError(error, `server ${config.host}:${config.port}`);
  } finally {
    await client.end().catch((error: unknown) => messageOf(error));
  }
}
