/**
 * The lease in front of every application table: triggers that apply workers do not fire.
 *
 * `cloudphoenix_lease`           at commit, once per transaction: refuses what commits too late,
 *                                whenever it began
 * `cloudphoenix_lease_truncate`  before TRUNCATE, which fires no row trigger: has the commit checked
 *
 * The check at commit is a deferred constraint trigger on rows. Its condition is true for the first
 * row of a transaction only, because it marks the transaction while it looks at the mark. So one
 * event is queued however many rows are written, and a savepoint that is rolled back takes mark and
 * event with it.
 *
 * `set constraints … immediate` runs a deferred check at once, and nothing would be left for the
 * commit. So a check that is not certain to run in a commit has another one queued, by a row in
 * a table of our own, whose trigger is put back to deferred by name, which outranks `all`.
 *
 * What runs for every transaction is written to be cheap (docs/adr/0005): functions that most
 * transactions call do not set a search path, and name everything in full instead.
 */
import { FROM_APPLICATION_TABLES } from "../application-objects.ts";
import {
  LEASE_PARTITIONS_TRIGGER,
  LEASE_TRIGGER,
  LEASE_TRUNCATE_TRIGGER,
  SCHEMA,
} from "../object-names.ts";
import type { SiteConnection } from "../site-connections.ts";
import { IN_FORCE, LIMITED } from "./lease-clock.ts";

/** SQLSTATE `read_only_sql_transaction`, as a closed site answers too. */
const LAPSED_SQLSTATE = "25006";

const PINNED = "set search_path = pg_catalog, pg_temp";

/** Set while a check is queued for the commit. */
const MARK = "cphx.w";
const REPEATS = "cphx.repeats";

/** How many checks one transaction may have queued again by `set constraints` inside functions. */
const REPEATS_MAX = 1_000;

const REFUSE = `raise exception 'cloudphoenix: the writer lease has lapsed'
  using errcode = '${LAPSED_SQLSTATE}',
    hint = 'This site no longer hears that it may write; another one may be the writer now.';`;

const OWN_TABLE: readonly string[] = [
  `create unlogged table if not exists ${SCHEMA}.lease_check (asked_at timestamptz)`,
];

/**
 * True for the first row that a transaction writes anywhere. One call is the cheapest condition:
 * its text is parsed for every statement. Everybody may call it, and it runs with their rights.
 */
const FIRST_ROW_FUNCTION = `create or replace function ${SCHEMA}.is_first_row() returns bool
  language plpgsql as $$
  begin
    if pg_catalog.current_setting('${MARK}', true) operator(pg_catalog.=) '1' then return false; end if;
    perform pg_catalog.set_config('${MARK}', '1', true);
    return true;
  end $$`;

/** The row is gone again at once; the event it queued stays. */
const REPEAT_FUNCTION = `create or replace function ${SCHEMA}.repeat_lease_check() returns void
  language plpgsql security definer ${PINNED} as $$
  declare place tid;
  begin
    set constraints ${SCHEMA}.lease_check_again deferred;
    insert into ${SCHEMA}.lease_check values (clock_timestamp()) returning ctid into place;
    delete from ${SCHEMA}.lease_check where ctid = place;
  end $$`;

/**
 * Done if the request is over (the end of one in the extended protocol) or is COMMIT itself. It
 * runs with our rights under any search path, so nothing in it is found by one.
 */
const CHECK_FUNCTION = `create or replace function ${SCHEMA}.check_lease() returns trigger
  language plpgsql security definer as $$
  begin
    if ${IN_FORCE} is not true then
      if ${LIMITED} then ${REFUSE} end if;
    end if;
    if pg_catalog.current_query() is null then return null; end if;
    if pg_catalog.lower(pg_catalog.current_query()) operator(pg_catalog.=) 'commit' then return null; end if;
    perform ${SCHEMA}.settle_lease_check();
    return null;
  end $$`;

/**
 * Whether a check that was not asked for by a plain COMMIT runs in a commit. Other forms of COMMIT
 * do, and so does a statement that is alone in its request and in its transaction. A caller in
 * between (a function) is in one only if it is a procedure's COMMIT. All else has the check
 * repeated: requests of the client at most as often as one of them can change constraints,
 * functions until `REPEATS_MAX`.
 */
const SETTLE_FUNCTION = `create or replace function ${SCHEMA}.settle_lease_check() returns void
  language plpgsql security definer ${PINNED} as $$
  declare
    asked text := current_query();
    request text := statement_timestamp()::text;
    context text;
    callers text[];
    before text := current_setting('${REPEATS}', true);
    repeats int4;
    repeats_max int4;
  begin
    get diagnostics context = pg_context;
    -- This function, its statement, and the trigger that called it come first.
    callers := (string_to_array(context, E'\\n'))[4:];
    if cardinality(callers) = 0 then
      if asked ~* '^\\s*(commit|end)(\\s+(work|transaction))?(\\s+and\\s+(no\\s+)?chain)?\\s*;?\\s*$'
      then return; end if;
      if transaction_timestamp() = statement_timestamp()
        and asked !~ ';\\s*\\S' then return; end if;
      repeats_max := 1 + (select count(*) from regexp_matches(asked, 'constraints', 'gi'));
    else
      if callers[1] ~ '\\mCOMMIT$' then return; end if;
      request := 'function';
      repeats_max := ${REPEATS_MAX};
    end if;
    repeats := case when split_part(before, '|', 1) = request
      then split_part(before, '|', 2)::int4 else 0 end;
    if repeats >= repeats_max then
      if request <> 'function' then return; end if;
      raise exception 'cloudphoenix: too many changes of constraints in one transaction'
        using errcode = '54000';
    end if;
    perform set_config('${REPEATS}', request || '|' || repeats + 1, true);
    perform ${SCHEMA}.repeat_lease_check();
  end $$`;

const TRUNCATE_FUNCTION = `create or replace function ${SCHEMA}.check_lease_after_truncate()
  returns trigger language plpgsql security definer ${PINNED} as $$
  begin
    perform ${SCHEMA}.repeat_lease_check();
    return null;
  end $$`;

const OWN_TRIGGER = `do $own$ begin
  if not exists (select from pg_trigger where tgrelid = '${SCHEMA}.lease_check'::regclass
    and tgname = 'lease_check_again') then
    create constraint trigger lease_check_again after insert on ${SCHEMA}.lease_check
      deferrable initially deferred for each row execute function ${SCHEMA}.check_lease();
  end if;
end $own$`;

/** Everything the triggers need, without the triggers. */
export const LEASE_GUARD: readonly string[] = [
  ...OWN_TABLE,
  FIRST_ROW_FUNCTION,
  REPEAT_FUNCTION,
  SETTLE_FUNCTION,
  CHECK_FUNCTION,
  TRUNCATE_FUNCTION,
  OWN_TRIGGER,
  ...["repeat_lease_check", "settle_lease_check", "check_lease", "check_lease_after_truncate"].map(
    (name) => `revoke all on function ${SCHEMA}.${name}() from public`,
  ),
  `grant execute on function ${SCHEMA}.is_first_row() to public`,
];

function commitTrigger(name: string): string {
  return `create constraint trigger ${name} after insert or update or delete on %s
    deferrable initially deferred for each row when (${SCHEMA}.is_first_row())
    execute function ${SCHEMA}.check_lease()`;
}

/** Name, kinds of tables it is for, and the statement that makes it. */
const TRIGGERS: readonly (readonly [string, string, string])[] = [
  [
    LEASE_TRUNCATE_TRIGGER,
    "rp",
    `create trigger ${LEASE_TRUNCATE_TRIGGER} before truncate on %s
       for each statement execute function ${SCHEMA}.check_lease_after_truncate()`,
  ],
  [LEASE_TRIGGER, "r", commitTrigger(LEASE_TRIGGER)],
  // Partitions made or attached later inherit it; the other name never collides with their own.
  [LEASE_PARTITIONS_TRIGGER, "p", commitTrigger(LEASE_PARTITIONS_TRIGGER)],
];

/** Query: `oid`, `name`, `trigger`, its `statement` and `state` (null: it is not there) of what lacks. */
export const UNGUARDED_TABLES: string = `select c.oid, format('%I.%I', n.nspname, c.relname) as name,
    w.trigger, w.statement, t.tgenabled as state
  from (values ${TRIGGERS.map(
    ([name, kinds, statement]) => `('${name}', '${kinds}', $sql$${statement}$sql$)`,
  ).join(",\n")}) as w(trigger, kinds, statement)
  cross join (select c.oid ${FROM_APPLICATION_TABLES}) ours
  join pg_class c on c.oid = ours.oid join pg_namespace n on n.oid = c.relnamespace
  left join pg_trigger t on t.tgrelid = c.oid and t.tgname = w.trigger
  where strpos(w.kinds, c.relkind::text) > 0
    and not (c.relkind = 'p' and c.relispartition and w.trigger = '${LEASE_PARTITIONS_TRIGGER}')
    and t.tgenabled is distinct from 'O'`;

/**
 * Guards every application table of ours that is not guarded yet, or no longer because somebody
 * switched its triggers; tables of somebody else are for the watch to name. Idempotent; waits for
 * writers of such a table, so it belongs into a transaction with a lock timeout
 * (`BEGIN_GATE_CHANGE`).
 */
export async function guardTables(connection: SiteConnection): Promise<void> {
  await connection.query(`do $guard$
  declare lacking record;
  begin
    for lacking in ${UNGUARDED_TABLES} and pg_has_role(c.relowner, 'usage') order by 2, 3 loop
      if lacking.state is null then execute format(lacking.statement, lacking.name);
      else execute format('alter table %s enable trigger %I', lacking.name, lacking.trigger);
      end if;
    end loop;
  end $guard$`);
}

/**
 * Has the lease checked when the caller's transaction commits, as a write of the application would.
 * For changes that fire no triggers. The site must be leased.
 */
export async function checkLeaseAtCommit(connection: SiteConnection): Promise<void> {
  await connection.query(`select ${SCHEMA}.repeat_lease_check()`);
}
