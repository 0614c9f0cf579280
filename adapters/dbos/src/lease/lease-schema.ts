/**
 * Table and functions of the lease witness; a migration of the state database.
 *
 * 1. A row changes only if its version is the expected one.
 * 2. Neither epoch nor renewals ever fall, whoever asks.
 * 3. A login that is no owner of the table reaches exactly the rows of the applications it is
 *    listed for, through these functions and nothing else.
 */
export const LEASE_SCHEMA = `
  create table cloudphoenix.lease (
    application text primary key,
    epoch bigint not null,
    holder text,
    renewals bigint not null,
    version bigint not null,
    updated_at timestamptz not null default now()
  );
  -- It is written every second or so for ever: room for new versions beside the old keeps it small.
  alter table cloudphoenix.lease set (fillfactor = 20, autovacuum_vacuum_threshold = 500);
  create table cloudphoenix.lease_login (
    login text not null,
    application text not null,
    primary key (login, application)
  );
  create function cloudphoenix.lease_refuse_others(wanted text) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    begin
      if pg_has_role(session_user, current_user, 'member') then return; end if;
      perform from cloudphoenix.lease_login l
        where l.login = session_user and l.application = wanted;
      if not found then
        raise exception 'the lease of % is not for %', wanted, session_user using errcode = '42501';
      end if;
    end $$;
  create function cloudphoenix.lease_read(wanted text)
    returns table (epoch bigint, holder text, renewals bigint, version bigint)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    begin
      perform cloudphoenix.lease_refuse_others(wanted);
      return query select l.epoch, l.holder, l.renewals, l.version
        from cloudphoenix.lease l where l.application = wanted;
    end $$;
  create function cloudphoenix.lease_replace(
      wanted text, new_epoch bigint, new_holder text, new_renewals bigint, expected bigint)
    returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    declare stored bigint;
    begin
      perform cloudphoenix.lease_refuse_others(wanted);
      if expected is null then
        insert into cloudphoenix.lease (application, epoch, holder, renewals, version)
          values (wanted, new_epoch, new_holder, new_renewals, 1)
          on conflict do nothing returning version into stored;
      else
        update cloudphoenix.lease l set epoch = new_epoch, holder = new_holder,
            renewals = new_renewals, version = l.version + 1, updated_at = now()
          where l.application = wanted and l.version = expected
            and new_epoch >= l.epoch and new_renewals >= l.renewals
          returning l.version into stored;
      end if;
      return stored;
    end $$;
  revoke all on function cloudphoenix.lease_refuse_others(text) from public;
  revoke all on function cloudphoenix.lease_read(text) from public;
  revoke all on function cloudphoenix.lease_replace(text, bigint, text, bigint, bigint) from public;
`;

/** Rights of a login that may read and replace the lease of its application; `login` is quoted. */
export function leaseGrants(login: string): readonly string[] {
  return [
    `grant usage on schema cloudphoenix to ${login}`,
    `grant execute on function cloudphoenix.lease_read(text) to ${login}`,
    `grant execute on function
       cloudphoenix.lease_replace(text, bigint, text, bigint, bigint) to ${login}`,
  ];
}
