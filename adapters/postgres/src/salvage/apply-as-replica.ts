/**
 * Changing rows as replication does: without firing triggers, because whatever they did at the
 * other site is in the rows already, and past our own gate.
 *
 * Needs SET on `session_replication_role`: superuser's, or granted (PostgreSQL 15 and later; what
 * managed services call superuser has it or can be given it).
 */
import { CloudPhoenixError } from "@cloudphoenix/core";
import { sqlStateOf } from "../database-error.ts";
import type { SiteConnection } from "../site-connections.ts";
import type { SalvageTable } from "./salvage-table.ts";

const NOT_PERMITTED = "42501";

/**
 * For the rest of the transaction.
 * @throws {CloudPhoenixError} `UNAUTHORIZED` with what to grant
 */
export async function applyAsReplica(connection: SiteConnection): Promise<void> {
  if (await tryReplicaRole(connection)) return;
  throw new CloudPhoenixError(
    "UNAUTHORIZED",
    `site ${connection.site} does not let us change rows without firing triggers`,
    {
      retryable: false,
      hint: "Grant SET on parameter session_replication_role to the admin role, or export the rows instead.",
    },
  );
}

/** Ordinary triggers fire again, our gate among them. */
export async function applyAsOrigin(connection: SiteConnection): Promise<void> {
  await connection.query("set local session_replication_role = origin");
}

/**
 * Runs `work` past triggers and foreign keys of `tables`, in the caller's transaction.
 *
 * Where the right is missing, an owner's rights do: triggers are disabled and foreign keys taken
 * away for the time of the transaction. Putting them back checks every row, and locks out readers
 * meanwhile: good enough for a site that serves nobody, never for a writer.
 */
export async function pastTriggers<T>(
  connection: SiteConnection,
  tables: readonly SalvageTable[],
  work: () => Promise<T>,
): Promise<T> {
  if (await tryReplicaRole(connection)) return work();
  const names = tables.map((table) => table.name);
  const keys = await connection.query<ForeignKey>(FOREIGN_KEYS, [names]);
  // Each trigger comes back as it was: some may be disabled, some enabled for replicas.
  const triggers = await connection.query<TriggerState>(TRIGGERS, [names]);
  await connection.query(
    [
      ...keys.map((key) => `alter table ${key.table} drop constraint ${key.name}`),
      ...names.map((name) => `alter table ${name} disable trigger user`),
    ].join(";\n"),
  );
  const result = await work();
  await connection.query(
    [
      // Deferred checks first: a table with events outstanding cannot be altered.
      "set constraints all immediate",
      ...triggers.map((one) => `alter table ${one.table} ${one.action} trigger ${one.name}`),
      ...keys.map((key) => `alter table ${key.table} add constraint ${key.name} ${key.definition}`),
    ].join(";\n"),
  );
  return result;
}

interface ForeignKey {
  readonly table: string;
  readonly name: string;
  readonly definition: string;
}

/** Of these tables and to them. */
const FOREIGN_KEYS = `select k.conrelid::regclass::text as table, format('%I', k.conname) as name,
    pg_get_constraintdef(k.oid) as definition
  from pg_constraint k, (select array_agg(n::regclass::oid) as ids from unnest($1::text[]) as n) t
  where k.contype = 'f' and (k.conrelid = any (t.ids) or k.confrelid = any (t.ids))
  order by k.conrelid, k.conname`;

interface TriggerState {
  readonly table: string;
  readonly name: string;
  readonly action: string;
}

const TRIGGERS = `select t.tgrelid::regclass::text as table, format('%I', t.tgname) as name,
    case t.tgenabled when 'D' then 'disable' when 'R' then 'enable replica'
      when 'A' then 'enable always' else 'enable' end as action
  from pg_trigger t where not t.tgisinternal
    and t.tgrelid in (select n::regclass from unnest($1::text[]) as n)
  order by t.tgrelid, t.tgname`;

async function tryReplicaRole(connection: SiteConnection): Promise<boolean> {
  await connection.query("savepoint role");
  try {
    await connection.query("set local session_replication_role = replica");
    return true;
  } catch (error) {
    if (sqlStateOf(error) !== NOT_PERMITTED) throw error;
    await connection.query("rollback to savepoint role");
    return false;
  }
}
