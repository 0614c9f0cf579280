/**
 * Brings the database to the schema of this release. Run before the service, as the owner of the
 * schema; running it again changes nothing. `APP_ROLE` names the role the service runs as.
 *
 * The version table lives in a schema of its own: every site keeps its own record of what was run
 * there, so it must stay out of what is replicated.
 */
import { Client, escapeIdentifier } from "pg";
import { clientConfig } from "./client-config.ts";
import { grantsTo, MIGRATIONS, type Migration } from "./migrations.ts";
import { readSettings, SettingsError } from "./settings.ts";

/** Any number, as long as it is always the same: two migrations never run at once. */
const MIGRATION_LOCK = 5_071_203;

const VERSION_TABLE = `
  create schema if not exists orders_migration;
  create table if not exists orders_migration.applied (
    version int primary key,
    name text not null,
    applied_at timestamptz not null default now()
  );`;

/** Applies what is missing, each step in a transaction with its record. Returns what it ran. */
async function migrate(client: Client): Promise<readonly Migration[]> {
  await client.query("select pg_advisory_lock($1)", [MIGRATION_LOCK]);
  await client.query(VERSION_TABLE);
  const { rows } = await client.query<{ version: number }>(
    "select version from orders_migration.applied",
  );
  const applied = new Set(rows.map((row) => row.version));
  const missing = MIGRATIONS.filter((migration) => !applied.has(migration.version));
  for (const migration of missing) {
    await client.query("begin");
    await client.query(migration.sql);
    await client.query("insert into orders_migration.applied (version, name) values ($1, $2)", [
      migration.version,
      migration.name,
    ]);
    await client.query("commit");
  }
  return missing;
}

/**
 * Grants the service its rights. The right to see how far standbys have flushed is not every
 * owner's to give; without it only durability `barrier` does not work.
 */
async function grant(client: Client, roleName: string): Promise<void> {
  const role = escapeIdentifier(roleName);
  await client.query(grantsTo(role));
  try {
    await client.query(`grant pg_read_all_stats to ${role}`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(
      `warning: durability "barrier" needs: grant pg_read_all_stats to ${role} (${reason})\n`,
    );
  }
}

async function main(): Promise<void> {
  const { database } = readSettings(process.env);
  const client = new Client(clientConfig(database, { name: "orders migrate", timeoutMs: 60_000 }));
  await client.connect();
  try {
    const ran = await migrate(client);
    const appRole = process.env["APP_ROLE"] ?? "";
    if (appRole !== "") await grant(client, appRole);
    for (const migration of ran) {
      process.stdout.write(`applied ${migration.version}: ${migration.name}\n`);
    }
    process.stdout.write(`schema is at version ${MIGRATIONS.length}\n`);
  } finally {
    await client.end();
  }
}

try {
  await main();
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`orders cannot migrate: ${reason}\n`);
  process.exitCode = error instanceof SettingsError ? 2 : 1;
}
