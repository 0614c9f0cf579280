/**
 * The gate in front of every application table: a statement trigger that refuses.
 *
 * It binds superusers too, and replication passes it: apply workers run as replica, where ordinary
 * triggers do not fire. A read-only default for the database would be simpler, but any client may
 * override it, and it would stop our own statements as well.
 *
 * Closing is airtight: creating or enabling a trigger waits for every transaction that has
 * written to the table, and statements that start later see the trigger.
 */
import { FROM_APPLICATION_TABLES } from "./application-objects.ts";
import { sqlStateOf } from "./database-error.ts";
import { GATE_TRIGGER, SCHEMA } from "./object-names.ts";
import type { SiteConnection } from "./site-connections.ts";

/** `disable` is what an open gate costs: nothing. */
type GateAction = "enable" | "disable";

/**
 * How long to wait for a lock on a table. Longer than `deadlock_timeout` (1 s), because only then
 * does an autovacuum that stands in the way cancel itself.
 */
const LOCK_WAIT_MS = 1_500;

/** Another transaction held a table, or two waited for each other: try again. */
const LOCK_FAILURES: ReadonlySet<string> = new Set(["55P03", "40P01"]);

export interface GateState {
  readonly tables: number;
  /** Tables whose gate is not closed. */
  readonly open: readonly string[];
  /** Those of them that belong to somebody else, so that we may not close them. */
  readonly beyondUs: readonly string[];
}

interface GateRow {
  readonly name: string;
  readonly owned: boolean;
  readonly closed: boolean;
}

/** Settings for a transaction that changes the gate. */
export const BEGIN_GATE_CHANGE: string = `begin; set local lock_timeout = ${LOCK_WAIT_MS}`;

/**
 * Closes the gate of every table that exists now. Part of the caller's transaction
 * (`BEGIN_GATE_CHANGE`): all tables or none.
 * @throws {CloudPhoenixError} `UNAUTHORIZED` if one of them belongs to somebody else
 */
export async function closeGate(connection: SiteConnection): Promise<void> {
  await connection.query(gateBlock("enable", "true"));
}

/**
 * Closes the gates that we may. A table of somebody else keeps its own open, not all the others:
 * `readGate` says which are left.
 */
export async function closeOwnGates(connection: SiteConnection): Promise<void> {
  await connection.query(gateBlock("enable", "gate.owned"));
}

/**
 * Opens the gate of every table, making gates that are missing, but for tables of somebody else: one
 * that has no gate is open. Part of the caller's transaction.
 */
export async function openGate(connection: SiteConnection): Promise<void> {
  await connection.query(gateBlock("disable", "gate.owned or gate.state is not null"));
}

export async function readGate(connection: SiteConnection): Promise<GateState> {
  const rows = await connection.query<GateRow>(
    `select format('%I.%I', n.nspname, c.relname) as name,
       pg_has_role(c.relowner, 'usage') as owned,
       exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = '${GATE_TRIGGER}'
         and t.tgenabled in ('O', 'A')) as closed
     ${FROM_APPLICATION_TABLES} order by 1`,
  );
  const open = rows.filter((row) => !row.closed);
  const beyondUs = open.filter((row) => !row.owned);
  return {
    tables: rows.length,
    open: open.map(({ name }) => name),
    beyondUs: beyondUs.map(({ name }) => name),
  };
}

/** Whether a gate change failed only because a transaction stood in its way. */
export function isLockFailure(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state !== null && LOCK_FAILURES.has(state);
}

/**
 * One round trip for all tables that `when` takes (a condition over `gate`). Tables are taken in one
 * order everywhere, so that two of these never wait for each other; a gate that already stands as
 * wanted is not locked again.
 */
function gateBlock(action: GateAction, when: string): string {
  const wanted = action === "enable" ? "'O', 'A'" : "'D'";
  return `do $gate$
  declare gate record;
  begin
    for gate in
      select format('%I.%I', n.nspname, c.relname) as name,
        pg_has_role(c.relowner, 'usage') as owned,
        (select t.tgenabled from pg_trigger t
          where t.tgrelid = c.oid and t.tgname = '${GATE_TRIGGER}') as state
      ${FROM_APPLICATION_TABLES} order by 1
    loop
      continue when not (${when});
      if gate.state is null then
        execute format('create trigger ${GATE_TRIGGER} before insert or update or delete or truncate'
          ' on %s for each statement execute function ${SCHEMA}.refuse_write()', gate.name);
      end if;
      if gate.state is null or gate.state not in (${wanted}) then
        execute format('alter table %s ${action} trigger ${GATE_TRIGGER}', gate.name);
      end if;
    end loop;
  end $gate$`;
}
