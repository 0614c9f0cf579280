/**
 * Table of the work queue; a migration of the state database.
 *
 * Payload and result are text, not jsonb: keys of objects may hold characters that jsonb refuses.
 * `due_at` says from when a waiting task may be claimed, and until when a claim holds.
 */
export const WORK_SCHEMA = `
  create table cloudphoenix.task (
    id bigint generated always as identity primary key,
    application text not null,
    kind text not null,
    key text not null,
    batch text,
    urgency int not null,
    payload text not null,
    attempts_max int,
    status text not null default 'waiting'
      check (status in ('waiting', 'claimed', 'done', 'set-aside', 'cancelled')),
    attempts int not null default 0,
    token bigint not null default 0,
    holder text,
    progress jsonb,
    result text,
    failure jsonb,
    due_at timestamptz not null default clock_timestamp(),
    created_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    unique (application, key)
  );
  -- Claims are renewed every second or so: room for new versions beside the old keeps them cheap.
  alter table cloudphoenix.task set (fillfactor = 70, autovacuum_vacuum_threshold = 500);
  create index task_open on cloudphoenix.task (application, kind, urgency desc, id)
    where status in ('waiting', 'claimed');
  create index task_batch on cloudphoenix.task (application, batch, id) where batch is not null;
  create index task_ended on cloudphoenix.task (ended_at) where ended_at is not null;
`;
