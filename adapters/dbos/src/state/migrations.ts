/**
 * The tables of the state database, as a list that only grows. A released entry is never edited;
 * a change is a new entry. Everything lives in the schema `cloudphoenix`.
 */
import { CloudPhoenixError } from "@cloudphoenix/core";
import { LEASE_SCHEMA } from "../lease/lease-schema.ts";
import { COPIED_OBJECTS_SCHEMA, OBJECTS_SCHEMA } from "../objects/objects-schema.ts";
import { WORK_SCHEMA } from "../work/work-schema.ts";
import { ADVISORY_LOCKS } from "./advisory-locks.ts";
import type { StateConnection } from "./state-connection.ts";

const MIGRATIONS: readonly string[] = [
  `
  create table cloudphoenix.role (
    application text primary key,
    generation bigint not null,
    active text not null,
    claimed_by text,
    protected boolean not null,
    updated_at timestamptz not null default now()
  );
  create table cloudphoenix.run (
    id text primary key,
    ordinal bigint generated always as identity unique,
    plan jsonb not null,
    status text not null,
    started_by text not null,
    started_at_ms bigint not null,
    ended_at_ms bigint,
    waiting_for text,
    steps jsonb not null,
    approvals jsonb not null default '[]'
  );
  create table cloudphoenix.run_event (
    run_id text not null references cloudphoenix.run (id) on delete cascade,
    key text not null,
    ordinal bigint generated always as identity,
    at_ms bigint not null,
    kind text not null,
    step text,
    text text not null,
    primary key (run_id, key)
  );
  create table cloudphoenix.fact (
    key text primary key,
    value jsonb not null,
    updated_at timestamptz not null default now()
  );
  create table cloudphoenix.audit (
    id bigint generated always as identity primary key,
    at_ms bigint not null,
    who text not null,
    what text not null,
    why text not null,
    detail jsonb not null
  );
  create function cloudphoenix.refuse_change() returns trigger language plpgsql as
    $$ begin raise exception 'the audit log is append-only'; end $$;
  create trigger audit_is_append_only before update or delete or truncate
    on cloudphoenix.audit for each statement execute function cloudphoenix.refuse_change();
  create table cloudphoenix.leader (
    id int primary key check (id = 1),
    holder text not null,
    backend_pid int not null,
    epoch bigint not null,
    beat_at timestamptz not null
  );
  `,
  LEASE_SCHEMA,
  WORK_SCHEMA,
  OBJECTS_SCHEMA,
  "alter table cloudphoenix.run add column status_order int not null default 0",
  "alter table cloudphoenix.run add column question int",
  COPIED_OBJECTS_SCHEMA,
];

/**
 * Brings the schema to this release. Idempotent; several processes may do it at once.
 * @throws {CloudPhoenixError} `STATE_VERSION` if a newer release has been here
 */
export async function migrate(state: StateConnection): Promise<void> {
  await state.transaction(async (client) => {
    await client.query("select pg_advisory_xact_lock($1)", [ADVISORY_LOCKS.migration]);
    await client.query("create schema if not exists cloudphoenix");
    await client.query(
      `create table if not exists cloudphoenix.schema_version (
         version int primary key, applied_at timestamptz not null default now())`,
    );
    const { rows } = await client.query<{ version: number }>(
      "select coalesce(max(version), 0) as version from cloudphoenix.schema_version",
    );
    const current = rows[0]?.version ?? 0;
    if (current > MIGRATIONS.length) throw newerSchema(current);
    for (const [index, sql] of MIGRATIONS.entries()) {
      const version = index + 1;
      if (version <= current) continue;
      await client.query(sql);
      await client.query("insert into cloudphoenix.schema_version (version) values ($1)", [
        version,
      ]);
    }
  });
}

function newerSchema(found: number): CloudPhoenixError {
  return new CloudPhoenixError(
    "STATE_VERSION",
    `the state database has schema ${found}, this release knows ${MIGRATIONS.length}`,
    { retryable: false, hint: "Start the release of CloudPhoenix that was last used on it." },
  );
}
