/**
 * Brings a database to the schema of a release, step by step.
 *
 * 1. The version is a function of the schema, not a row: a version table would be replicated like
 *    any other table, so a standby would hear "already applied" about changes it never made, and
 *    could not record its own while its writes are closed. A function goes where the schema goes.
 * 2. A step and its record are one transaction; running everything again changes nothing.
 * 3. Two migrations never run at once; the second waits and finds its work done.
 * 4. A step that has to wait for a lock holds up everybody who comes after it, so it gives up soon,
 *    lets them pass, and tries again.
 *
 * Each step must be safe to run while the previous release still serves (expand first, contract in a
 * later release), and is run on every site, standby first: logical replication carries no DDL.
 */
import { escapeIdentifier } from "pg";
import { Deadline } from "../resilience/deadline.ts";
import { retry } from "../resilience/retry.ts";
import type { Connection } from "./connection.ts";
import type { Database } from "./database.ts";
import { isLockTimeout } from "./sql-state.ts";

/** One step. Never edited once released. */
export interface Migration {
  /** Grows by one, from 1; the order in which steps run. */
  readonly version: number;
  readonly name: string;
  /** One statement each, run in order. */
  readonly statements: readonly string[];
}

/** The schema of one service. */
export interface ServiceSchema {
  /** Schema and name of the function that answers the version, for instance `public.orders_schema_version`. */
  readonly versionFunction: string;
  readonly migrations: readonly Migration[];
  /** What the service's own role may do, and nothing else. @param role - quoted as an identifier */
  readonly grantsTo: (role: string) => readonly string[];
}

/** How patient a migration is with those who use the tables meanwhile. */
export interface MigrationPatience {
  /** Longest wait for a lock, and so the longest that others wait behind it. Default 2 s. */
  readonly lockTimeoutMs?: number;
  /** How long a step is tried again that did not get its locks. Default 5 min. */
  readonly patienceMs?: number;
}

/** Between two tries of a step everybody who waited must have passed. */
const TRY_AGAIN = { attempts: Number.POSITIVE_INFINITY, baseMs: 500, maxMs: 5_000 } as const;

/** Any number, as long as it is always the same. */
const MIGRATION_LOCK = 5_071_203;

/**
 * Applies what is missing as the owner of the schema; what it applied.
 * @throws {ServiceError} what the database says; the steps before the one that failed are done
 */
export async function migrateSchema(
  database: Pick<Database, "withTransaction">,
  schema: ServiceSchema,
  patience: MigrationPatience = {},
): Promise<readonly Migration[]> {
  const applied: Migration[] = [];
  for (const migration of schema.migrations) {
    const ran = await inTurn(database, patience, async (transaction) => {
      const { versionFunction } = schema;
      if ((await versionOf(transaction, versionFunction)) >= migration.version) return false;
      for (const text of migration.statements) await transaction.query({ text });
      await transaction.query({
        text: `create or replace function ${versionFunction}() returns int
               language sql immutable as 'select ${migration.version}'`,
      });
      return true;
    });
    if (ran) applied.push(migration);
  }
  return applied;
}

/**
 * The version the schema is at; 0 before the first step. Read from the catalogue and not by a call:
 * a session that waited for the lock calls the function it remembers, as it was before.
 */
async function versionOf(transaction: Connection, versionFunction: string): Promise<number> {
  const [schema, name] = versionFunction.split(".");
  const [row] = await transaction.query<{ readonly source: string }>({
    text: `select prosrc as source from pg_catalog.pg_proc
           join pg_catalog.pg_namespace on pg_namespace.oid = pronamespace
           where nspname = $1 and proname = $2 and pronargs = 0`,
    values: [schema, name],
  });
  return Number(/\d+/.exec(row?.source ?? "0")?.[0] ?? 0);
}

/** Gives `roleName` what the schema says it may do. Idempotent. @throws {ServiceError} */
export async function grantSchema(
  database: Pick<Database, "withTransaction">,
  schema: ServiceSchema,
  roleName: string,
  patience: MigrationPatience = {},
): Promise<void> {
  await inTurn(database, patience, async (transaction) => {
    for (const text of schema.grantsTo(escapeIdentifier(roleName))) {
      await transaction.query({ text });
    }
  });
}

/**
 * Runs `work` while no other migration runs: two grants on one table at once, too, end in "tuple
 * concurrently updated" for one of them. Nobody waits behind whoever waits for his turn.
 */
function inTurn<T>(
  database: Pick<Database, "withTransaction">,
  { lockTimeoutMs = 2_000, patienceMs = 300_000 }: MigrationPatience,
  work: (transaction: Connection) => Promise<T>,
): Promise<T> {
  const once = (): Promise<T> =>
    database.withTransaction(async (transaction) => {
      await transaction.query({ text: `select pg_advisory_xact_lock(${MIGRATION_LOCK})` });
      await transaction.query({
        text: "select set_config('lock_timeout', $1, true)",
        values: [`${lockTimeoutMs}ms`],
      });
      return work(transaction);
    });
  return retry(once, { ...TRY_AGAIN, shouldRetry: isLockTimeout }, Deadline.after(patienceMs));
}
