/** The program that migrates: settings from the environment, an exit code at the end. */
import { escapeIdentifier } from "pg";
import { z } from "zod";
import type { Environment } from "../secrets/cloud-credentials.ts";
import { openSecret } from "../secrets/open-secret.ts";
import { DATABASE_FIELDS, integer } from "../settings/fields.ts";
import { readSettings, SettingsError } from "../settings/read-settings.ts";
import { Database } from "./database.ts";
import {
  grantSchema,
  type MigrationPatience,
  migrateSchema,
  type ServiceSchema,
} from "./migrate-schema.ts";

/** An index over a large table takes its time. */
const STATEMENT_TIMEOUT_MS = 600_000;

/** What to migrate and as whom. */
export interface MigrationRun {
  /** The service; part of the name its connection has in the server. */
  readonly name: string;
  readonly schema: ServiceSchema;
  /** `DATABASE_URL` and its password belong to the owner of the schema; `APP_ROLE` gets the grants. */
  readonly environment: Environment;
  /** More grants, which may fail with a warning. @param role - quoted as an identifier */
  readonly optionalGrants?: (role: string) => readonly OptionalGrant[];
}

/** A grant that not every owner may give. */
export interface OptionalGrant {
  readonly statement: string;
  /** What does not work without it. */
  readonly without: string;
}

/**
 * Migrates, grants and says what it did. Never throws.
 * @returns the exit code: 0 done, 1 failed, 2 settings cannot be used
 */
export async function runMigrations(run: MigrationRun): Promise<0 | 1 | 2> {
  const { name, environment } = run;
  const schema = z.object({
    ...DATABASE_FIELDS,
    APP_ROLE: z.string().min(1).nullable().default(null),
    // Requests that come while a step waits for its lock wait as long; their own limit is 3 s.
    MIGRATION_LOCK_TIMEOUT_MS: integer(10, 600_000).prefault("2000"),
    // A report that reads for longer than this is for a person to end.
    MIGRATION_PATIENCE_MS: integer(0, 86_400_000).prefault("300000"),
  });
  let database: Database | null = null;
  try {
    const settings = readSettings(schema, { environment, file: null });
    const file = settings.DATABASE_PASSWORD_FILE;
    const reference = settings.DATABASE_PASSWORD ?? (file === null ? null : `file:${file}`);
    database = new Database({
      address: settings.DATABASE_URL,
      password: reference === null ? null : openSecret(reference, { environment, onWarning: warn }),
      name: `${name} migrate`,
      poolMax: 1,
      connectTimeoutMs: 10_000,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    });
    const patience = {
      lockTimeoutMs: settings.MIGRATION_LOCK_TIMEOUT_MS,
      patienceMs: settings.MIGRATION_PATIENCE_MS,
    };
    const applied = await migrateSchema(database, run.schema, patience);
    if (settings.APP_ROLE !== null) await grant(database, run, settings.APP_ROLE, patience);
    for (const migration of applied) {
      process.stdout.write(`applied ${migration.version}: ${migration.name}\n`);
    }
    const version = run.schema.migrations.at(-1)?.version ?? 0;
    process.stdout.write(`schema is at version ${version}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`${name} cannot migrate: ${messageOf(error)}\n`);
    return error instanceof SettingsError ? 2 : 1;
  } finally {
    await database?.close();
  }
}

async function grant(
  database: Database,
  run: MigrationRun,
  roleName: string,
  patience: MigrationPatience,
): Promise<void> {
  await grantSchema(database, run.schema, roleName, patience);
  const optional = run.optionalGrants?.(escapeIdentifier(roleName)) ?? [];
  for (const { statement, without } of optional) {
    try {
      await database.query({ text: statement });
    } catch (error) {
      warn(`${without} needs: ${statement} (${messageOf(error)})`);
    }
  }
}

function warn(sentence: string): void {
  process.stderr.write(`warning: ${sentence}\n`);
}

function messageOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
