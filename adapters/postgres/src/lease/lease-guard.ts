/**
 * The lease in front of every application table: three triggers that apply workers do not fire.
 *
 * `cloudphoenix_lease`           before each statement: refuses early what could not commit anyway
 * `cloudphoenix_lease_commit`    at commit, once per transaction: refuses what began in time and
 *                                commits too late
 * `cloudphoenix_lease_truncate`  before TRUNCATE, which fires no row trigger: checks, and has the
 *                                commit checked too
 *
 * The check at commit is a deferred constraint trigger on rows. Its condition is true for the first
 * row of a transaction only, because it marks the transaction while it looks at the mark. So one
 * event is queued however many rows are written, and a savepoint that is rolled back takes mark and
 * event with it. The mark is the transaction's number: one left over or made up does not fit.
 *
 * `set constraints … immediate` runs a deferred check at once, and nothing would be left for the
 * commit. So a check that is not certain to run in a commit has another one queued, by a row in
 * a table of our own, whose trigger is put back to deferred by name, which outranks `all`.
 */
import { FROM_APPLICATION_TABLES } from "../application-objects.ts";
import {
  LEASE_COMMIT_TRIGGER,
  LEASE_PARTITIONS_TRIGGER,
  LEASE_TRIGGER,
  LEASE_TRUNCATE_TRIGGER,
  SCHEMA,
} from "../object-names.ts";
import type { SiteConnection } from "../site-connections.ts";
import { LAPSED } from "./lease-clock.ts";

/** SQLSTATE `read_only_sql_transaction`, as a closed site answers too. */
const LAPSED_SQLSTATE = "25006";

const PINNED = "set search_path = pg_catalog, pg_temp";
const MARK = `${SCHEMA}.lease_mark`;
const REPEATS = `${SCHEMA}.lease_repeats`;

/** How many checks one transaction may have queued again by `set constraints` inside functions. */
const REPEATS_MAX = 1_000;

const REFUSE = `raise exception 'cloudphoenix: the writer lease has lapsed'
  using errcode = '${LAPSED_SQLSTATE}',
    hint = 'This site no longer hears that it may write; another one may be the writer now.';`;

const OWN_TABLE: readonly string[] = [
  `create unlogged table if not exists ${SCHEMA}.lease_check (asked_at timestamptz)`,
];

const REFUSE_FUNCTION = `create or replace function ${SCHEMA}.refuse_lapsed() returns trigger
  language plpgsql ${PINNED} as $$ begin ${REFUSE} end $$`;

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
 * Whether a commit runs this is told by what the client asked for. COMMIT itself, or nothing any
 * more (the end of a request in the extended protocol), is a commit. So is a statement that is its
 * own transaction and changes no constraints. A caller in between (a function) is one only if it
 * is a procedure's COMMIT. All else has the check repeated: by statements of the client at most as
 * often as one request can change constraints; inside functions until `REPEATS_MAX`.
 */
const CHECK_FUNCTION = `create or replace function ${SCHEMA}.check_lease() returns trigger
  language plpgsql security definer ${PINNED} as $$
  declare
    asked text := current_query();
    frames text[];
    repeats int4;
    repeats_max int4;
    request text := statement_timestamp()::text;
  begin
    if ${LAPSED} then ${REFUSE} end if;
    if asked is null
      or asked ~* '^\\s*(commit|end)(\\s+(work|transaction))?(\\s+and\\s+(no\\s+)?chain)?\\s*;?\\s*$'
    then return null; end if;
    get diagnostics asked = pg_context;
    frames := string_to_array(asked, E'\\n');
    asked := current_query();
    if cardinality(frames) = 1 then
      if transaction_timestamp() = statement_timestamp()
        and asked !~* 'constraints' and asked !~ ';\\s*\\S' then return null; end if;
      repeats_max := 1 + (select count(*) from regexp_matches(asked, 'constraints', 'gi'));
    else
      if frames[2] ~ '\\mCOMMIT$' then return null; end if;
      request := 'function';
      repeats_max := ${REPEATS_MAX};
    end if;
    asked := current_setting('${REPEATS}', true);
    repeats := case when split_part(asked, '|', 1) = request
      then split_part(asked, '|', 2)::int4 else 0 end;
    if repeats >= repeats_max then
      if request <> 'function' then return null; end if;
      raise exception 'cloudphoenix: too many changes of constraints in one transaction'
        using errcode = '54000';
    end if;
    perform set_config('${REPEATS}', request || '|' || repeats + 1, true);
    perform ${SCHEMA}.repeat_lease_check();
    return null;
  end $$`;

const TRUNCATE_FUNCTION = `create or replace function ${SCHEMA}.check_lease_of_truncate()
  returns trigger language plpgsql security definer ${PINNED} as $$
  begin
    if ${LAPSED} then ${REFUSE} end if;
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
  REFUSE_FUNCTION,
  REPEAT_FUNCTION,
  CHECK_FUNCTION,
  TRUNCATE_FUNCTION,
  OWN_TRIGGER,
  ...["refuse_lapsed", "repeat_lease_check", "check_lease", "check_lease_of_truncate"].map(
    (name) => `revoke all on function ${SCHEMA}.${name}() from public`,
  ),
];

const XID = "pg_catalog.pg_current_xact_id()::pg_catalog.text";

/** True for the first row that a transaction writes anywhere. */
const FIRST_ROW = `case when pg_catalog.current_setting('${MARK}', true) = ${XID} then false
  else pg_catalog.set_config('${MARK}', ${XID}, true) is not null end`;

function commitTrigger(name: string): string {
  return `create constraint trigger ${name} after insert or update or delete on %s
    deferrable initially deferred for each row when (${FIRST_ROW})
    execute function ${SCHEMA}.check_lease()`;
}

/** Name, kinds of tables it is for, and the statement that makes it. */
const TRIGGERS: readonly (readonly [string, string, string])[] = [
  [
    LEASE_TRIGGER,
    "rp",
    `create trigger ${LEASE_TRIGGER} before insert or update or delete on %s
       for each statement when (${LAPSED}) execute function ${SCHEMA}.refuse_lapsed()`,
  ],
  [
    LEASE_TRUNCATE_TRIGGER,
    "rp",
    `create trigger ${LEASE_TRUNCATE_TRIGGER} before truncate on %s
       for each statement execute function ${SCHEMA}.check_lease_of_truncate()`,
  ],
  [LEASE_COMMIT_TRIGGER, "r", commitTrigger(LEASE_COMMIT_TRIGGER)],
  // Partitions made or attached later inherit it; the other name never collides with their own.
  [LEASE_PARTITIONS_TRIGGER, "p", commitTrigger(LEASE_PARTITIONS_TRIGGER)],
];

/**
 * Guards every application table that is not guarded yet. Idempotent; waits for writers of such a
 * table, so it belongs into a transaction with a lock timeout (`BEGIN_GATE_CHANGE`).
 */
export async function guardTables(connection: SiteConnection): Promise<void> {
  const wanted = TRIGGERS.map(
    ([name, kinds, statement]) => `('${name}', '${kinds}', $sql$${statement}$sql$)`,
  );
  await connection.query(`do $guard$
  declare missing record;
  begin
    for missing in
      select format('%I.%I', n.nspname, c.relname) as name, w.statement
      from (values ${wanted.join(",\n")}) as w(trigger, kinds, statement) cross join lateral (
        select c.oid, n.nspname, c.relname, c.relkind, c.relispartition
        ${FROM_APPLICATION_TABLES}) c_n(oid, nspname, relname, relkind, relispartition)
      join pg_class c on c.oid = c_n.oid join pg_namespace n on n.oid = c.relnamespace
      where strpos(w.kinds, c.relkind::text) > 0 and not (c.relkind = 'p' and c.relispartition
          and w.trigger = '${LEASE_PARTITIONS_TRIGGER}')
        and not exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = w.trigger)
      order by 1, w.trigger
    loop
      execute format(missing.statement, missing.name);
    end loop;
  end $guard$`);
}
