/**
 * The schema `cloudphoenix` in the application's database.
 *
 * `site`            one row, not replicated: who this database is and whether it takes writes.
 * `heartbeat`       one row, replicated: the controller's clock, written at the active site.
 * `sequence_sample` replicated: last known value of every sequence, because PostgreSQL does not
 *                   replicate sequences and the primary may be gone when the values are needed.
 * `promotion`       not replicated: what a promotion found and decided, so that it can be finished
 *                   after a crash at any point and repeated with the same answer.
 *
 * The writer lease adds sequences, functions and a table of its own (`lease/`).
 *
 * The application may read `site` and nothing else; the site's agent may call functions.
 */
import { escapeIdentifier } from "pg";
import { LEASE_SEQUENCES } from "./lease/lease-clock.ts";
import { LEASE_FUNCTIONS, leaseGrants } from "./lease/lease-functions.ts";
import { LEASE_GUARD } from "./lease/lease-guard.ts";
import { SCHEMA } from "./object-names.ts";
import type { SiteConnection } from "./site-connections.ts";

/** Tables that travel with the application's, and what the replication role must read. */
export const REPLICATED_TABLES: readonly string[] = [
  `${SCHEMA}.heartbeat`,
  `${SCHEMA}.sequence_sample`,
];

/** SQLSTATE `read_only_sql_transaction`: drivers and services already treat it as "not here". */
const WRITES_CLOSED_SQLSTATE = "25006";

const STATEMENTS: readonly string[] = [
  `create schema if not exists ${SCHEMA}`,
  `create table if not exists ${SCHEMA}.site (
     site text not null,
     role text not null check (role in ('active', 'standby', 'fenced')),
     generation bigint not null,
     writes_open boolean not null,
     durability text not null check (durability in ('async', 'barrier', 'sync')),
     updated_at timestamptz not null default clock_timestamp())`,
  `create unique index if not exists site_is_one_row on ${SCHEMA}.site ((true))`,
  `create table if not exists ${SCHEMA}.heartbeat (
     id int primary key,
     at_ms bigint not null,
     generation bigint not null)`,
  `create table if not exists ${SCHEMA}.sequence_sample (
     sequence text primary key,
     last_value bigint not null,
     increment_by bigint not null)`,
  `create table if not exists ${SCHEMA}.promotion (
     generation bigint primary key,
     from_site text not null,
     applied_lsn pg_lsn,
     complete_until_ms bigint,
     reverse_slot text not null,
     sequences jsonb not null,
     recorded_at timestamptz not null default clock_timestamp(),
     completed_at timestamptz)`,
  `create or replace function ${SCHEMA}.refuse_write() returns trigger
     language plpgsql set search_path = pg_catalog as $$
     begin
       raise exception 'cloudphoenix: writes are closed at this site'
         using errcode = '${WRITES_CLOSED_SQLSTATE}';
     end $$`,
];

/** Creates what is missing. Idempotent; run it inside a transaction. */
export async function createOwnSchema(
  connection: SiteConnection,
  roles: {
    readonly application: string;
    readonly replication: string;
    /** Of the site's agent; null where it has no login. */
    readonly agent: string | null;
  },
): Promise<void> {
  const application = escapeIdentifier(roles.application);
  const replication = escapeIdentifier(roles.replication);
  await connection.query(
    [
      ...STATEMENTS,
      ...LEASE_SEQUENCES,
      ...LEASE_FUNCTIONS,
      ...LEASE_GUARD,
      `grant usage on schema ${SCHEMA} to ${application}, ${replication}`,
      `grant select on ${SCHEMA}.site to ${application}`,
      `grant select on ${REPLICATED_TABLES.join(", ")} to ${replication}`,
      ...leaseGrants(application, roles.agent === null ? null : escapeIdentifier(roles.agent)),
    ].join(";\n"),
  );
}
