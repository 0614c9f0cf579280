/**
 * What the agent of a site may do to its lease, as functions that run with our rights: the agent's
 * role can call them and nothing else.
 *
 * Each takes the row of the site first. So it never runs beside a fence, a promotion or another of
 * them, and what it decides on still holds when it writes, although sequences know no transaction.
 */
import { SCHEMA } from "../object-names.ts";
import {
  INSTALL,
  LAPSE,
  LAPSED,
  microseconds,
  NEVER_LEASED,
  NOW_US,
  PROMISED_UNTIL_US,
  UNIX_US_OF_2000,
  UNTIL_US,
} from "./lease-clock.ts";

/** SQLSTATEs of our own; classes that begin with a letter after `I` are left to applications. */
export const STALE_STATE = "XC001";
export const PROMISE_REFUSED_STATE = "XC002";

/** Ends and promises further ahead than this are a defect of whoever asks. */
const AHEAD_MAX_US = 3_600_000_000;

const PINNED = "security definer set search_path = pg_catalog, pg_temp";
const TAKE_SITE = `select * into site from ${SCHEMA}.site for update;`;
/** Times leave as microseconds since 1970. */
const STATE = "role text, epoch int8, now_us int8, until_us int8, promised_until_us int8";

const READ = `create or replace function ${SCHEMA}.lease_read() returns table (${STATE})
  language plpgsql ${PINNED} as $$
  #variable_conflict use_column
  declare stored int8 := ${UNTIL_US}; at int8 := ${NOW_US};
    unix int8 := ${UNIX_US_OF_2000};
  begin
    -- A lease of an earlier server, or of a clock that was set back, counts as one that ran out.
    return query select s.role, s.generation, at + unix,
      case when stored = ${NEVER_LEASED} then null when ${LAPSED} then least(stored, at) else stored end
        + unix,
      nullif(${PROMISED_UNTIL_US}, 0) + unix from ${SCHEMA}.site s;
  end $$`;

const EXTEND = `create or replace function ${SCHEMA}.lease_extend(wanted int8, until_us int8)
  returns void language plpgsql ${PINNED} as $$
  declare new_until int8 := until_us - ${UNIX_US_OF_2000}; site ${SCHEMA}.site; now_us int8; server_us int8 :=
    ${microseconds("pg_postmaster_start_time()")};
  begin
    ${TAKE_SITE}
    now_us := ${NOW_US};
    if site.role is distinct from 'active' or site.generation <> wanted then
      raise exception 'the site is % at generation %; a lease for % is refused', site.role,
        site.generation, wanted using errcode = '${STALE_STATE}';
    end if;
    if ${PROMISED_UNTIL_US} > now_us then
      raise exception 'the site promised to stay closed for another % ms',
        (${PROMISED_UNTIL_US} - now_us) / 1000 using errcode = '${STALE_STATE}';
    end if;
    new_until := greatest(new_until, 0);
    if new_until > now_us + ${AHEAD_MAX_US} then
      raise exception 'a lease may not end there' using errcode = '22023';
    end if;
    ${INSTALL}
  end $$`;

const SURRENDER = `create or replace function ${SCHEMA}.lease_surrender(wanted int8)
  returns void language plpgsql ${PINNED} as $$
  declare site ${SCHEMA}.site;
  begin
    ${TAKE_SITE}
    if site.generation > wanted then
      raise exception 'the site is at generation %; a surrender to % is refused', site.generation,
        wanted using errcode = '${STALE_STATE}';
    end if;
    -- A plan has made this site active at that very generation meanwhile: an agent that was held
    -- up must not shut it.
    if site.generation = wanted and site.role = 'active' then return; end if;
    ${LAPSE}
    update ${SCHEMA}.site set role = 'fenced', writes_open = false, generation = wanted,
      updated_at = clock_timestamp() where role <> 'fenced' or generation <> wanted or writes_open;
  end $$`;

const PROMISE = `create or replace function ${SCHEMA}.lease_promise(wanted int8, duration_ms int8)
  returns void language plpgsql ${PINNED} as $$
  declare site ${SCHEMA}.site;
  begin
    ${TAKE_SITE}
    if site.role is distinct from 'standby' or site.generation > wanted then
      raise exception 'the site is % at generation % and promises nothing to generation %',
        site.role, site.generation, wanted using errcode = '${PROMISE_REFUSED_STATE}';
    end if;
    if ${UNTIL_US} <> ${NEVER_LEASED} and not ${LAPSED} then
      raise exception 'the lease of the site itself has not run out'
        using errcode = '${PROMISE_REFUSED_STATE}';
    end if;
    if duration_ms < 0 or duration_ms > ${AHEAD_MAX_US / 1_000} then
      raise exception 'a promise may not last that long' using errcode = '22023';
    end if;
    perform setval('${SCHEMA}.promised_until',
      greatest(${PROMISED_UNTIL_US}, ${NOW_US} + duration_ms * 1000));
  end $$`;

const REFUSE_PROMISES = `create or replace function ${SCHEMA}.lease_refuse_promises(wanted int8)
  returns table (${STATE}) language plpgsql ${PINNED} as $$
  #variable_conflict use_column
  declare site ${SCHEMA}.site;
  begin
    ${TAKE_SITE}
    if site.generation > wanted then
      raise exception 'the site is at generation %; a change for % is refused', site.generation,
        wanted using errcode = '${STALE_STATE}';
    end if;
    -- Promises are refused to generations older than the site's own.
    update ${SCHEMA}.site set generation = wanted, updated_at = clock_timestamp()
      where generation < wanted;
    return query select * from ${SCHEMA}.lease_read();
  end $$`;

/** For the application: how long what was written just now is covered. */
const REMAINING = `create or replace function ${SCHEMA}.lease_remaining_ms() returns int4
  language plpgsql set search_path = pg_catalog, pg_temp as $$
  declare stored int8 := ${UNTIL_US};
  begin
    if stored = ${NEVER_LEASED} then return null; end if;
    if ${LAPSED} then return 0; end if;
    return greatest(0, (stored - ${NOW_US}) / 1000)::int4;
  end $$`;

const FOR_AGENTS: readonly string[] = [
  "lease_read()",
  "lease_extend(int8, int8)",
  "lease_surrender(int8)",
  "lease_promise(int8, int8)",
  "lease_refuse_promises(int8)",
];

/** Makes the functions; nobody but their owner may call them until `leaseGrants`. */
export const LEASE_FUNCTIONS: readonly string[] = [
  READ,
  EXTEND,
  SURRENDER,
  PROMISE,
  REFUSE_PROMISES,
  REMAINING,
  ...[...FOR_AGENTS, "lease_remaining_ms()"].map(
    (name) => `revoke all on function ${SCHEMA}.${name} from public`,
  ),
];

/** Rights of the roles; both come quoted. `agent` is null where no agent has a login. */
export function leaseGrants(application: string, agent: string | null): readonly string[] {
  const own = [`grant execute on function ${SCHEMA}.lease_remaining_ms() to ${application}`];
  if (agent === null) return own;
  return [
    ...own,
    `grant usage on schema ${SCHEMA} to ${agent}`,
    ...FOR_AGENTS.map((name) => `grant execute on function ${SCHEMA}.${name} to ${agent}`),
  ];
}
