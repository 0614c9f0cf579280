/**
 * Brings the database to the schema of this release. Run before the service, as the owner of the
 * schema; running it again changes nothing. `APP_ROLE` names the role the service runs as.
 */
import { runMigrations } from "@cloudphoenix/chassis";
import { ORDERS_SCHEMA } from "./schema.ts";

process.exitCode = await runMigrations({
  name: "orders",
  schema: ORDERS_SCHEMA,
  environment: process.env,
  optionalGrants: (role) => [
    { statement: `grant pg_read_all_stats to ${role}`, without: 'durability "barrier"' },
  ],
});
