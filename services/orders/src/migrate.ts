/**
 * Brings the database to the schema of this release. Run before the service, as the owner of the
 * schema; running it again changes nothing. `APP_ROLE` names the role the service runs as.
 */
import { Client, escapeIdentifier } from "pg";
import { clientConfig } from "./client-config.ts";
import {
  grantsTo,
  MIGRATIONS,
  recordVersion,
  VERSION_FUNCTION,
  type Migration,
} from "./migrations.ts";
import { readSettings, SettingsError } from "./settings.ts";

/** Any number, as long as it is always the same: two migrations never run at once. */
const MIGRATION_LOCK = 5_071_203;

/** Applies what is missing, each step in a transaction with its record. Returns what it ran. */
async function migrate(client: Client): Promise<readonly Migration[]> {
  await client.query("select pg_advisory_lock($1)", [MIGRATION_LOCK]);
  const current = await versionOf(client);
  const missing = MIGRATIONS.filter((migration) => migration.version > current);
  for (const { version, sql } of missing) {
    await client.query("begin");
    await client.query(sql);
    await client.query(recordVersion(version));
    await client.query("commit");
  }
  return missing;
}

/** The version the schema is at; 0 before the first migration. */
async function versionOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ present: boolean }>(
    "select to_regprocedure($1) is not null as present",
    [`${VERSION_FUNCTION}()`],
  );
  if (rows[0]?.present !== true) return 0;
  const found = await client.query<{ version: number }>(`select ${VERSION_FUNCTION}() as version`);
  return found.rows[0]?.version ?? 0;
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
    process.stdout.write(`schema is at version ${MIGRATIONS.at(-1)?.version ?? 0}\n`);
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
