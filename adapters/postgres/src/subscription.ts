/** The subscription by which a standby follows. */
import { escapeIdentifier, escapeLiteral } from "pg";
import { PUBLICATION, subscriptionName } from "./object-names.ts";
import { pollUntil } from "./poll-until.ts";
import type { PostgresContext } from "./postgres-context.ts";
import type { SiteConnection } from "./site-connections.ts";

export interface SubscriptionState {
  readonly enabled: boolean;
  /** Null once it has been detached from its slot. */
  readonly slot: string | null;
  /** Tables whose initial copy is not complete. */
  readonly unready: readonly string[];
  readonly tables: number;
  readonly applyErrors: number;
  readonly copyErrors: number;
  /** Whether a worker is connected or trying to. */
  readonly working: boolean;
}

const WORKER_POLL_MS = 10;

/** `$1`: its name. Subscriptions are listed for the whole server; a name is unique in a database. */
export const OWN_SUBSCRIPTION: string = `(select s.oid from pg_subscription s join pg_database d on d.oid = s.subdbid
  where s.subname = $1 and d.datname = current_database())`;

/** Share of the stop limit after which a worker that did not stop by itself is ended. */
const ASK_SHARE = 0.3;

/** Our subscription in this database; null if there is none. */
export async function readSubscription(
  connection: SiteConnection,
  application: string,
): Promise<SubscriptionState | null> {
  const [row] = await connection.query<SubscriptionState>(
    `select s.subenabled as enabled, s.subslotname as slot,
       coalesce((select array_agg(format('%I.%I', n.nspname, c.relname) order by 1)
         from pg_subscription_rel r join pg_class c on c.oid = r.srrelid
           join pg_namespace n on n.oid = c.relnamespace
         where r.srsubid = s.oid and r.srsubstate <> 'r'), '{}') as unready,
       (select count(*)::int from pg_subscription_rel r where r.srsubid = s.oid) as tables,
       coalesce(e.apply_error_count, 0)::int as "applyErrors",
       coalesce(e.sync_error_count, 0)::int as "copyErrors",
       exists (select from pg_stat_subscription w where w.subid = s.oid and w.pid is not null)
         as working
     from pg_subscription s left join pg_stat_subscription_stats e on e.subid = s.oid
     where s.oid = ${OWN_SUBSCRIPTION}`,
    [subscriptionName(application)],
  );
  return row ?? null;
}

/**
 * Subscribes to an existing slot and starts copying, unless the rows are there already.
 *
 * `synchronous_commit = on` because a standby that confirms before it has flushed makes both
 * `barrier` and `sync` worthless, and with `off` (the default) makes `sync` slow as well.
 * The password reaches the server inside the statement; there is no other way to give it one.
 */
export async function createSubscription(
  connection: SiteConnection,
  application: string,
  source: {
    readonly slot: string;
    readonly secret: string;
    readonly shown: string;
    readonly copyData: boolean;
  },
): Promise<void> {
  const statement = (conninfo: string): string =>
    `create subscription ${nameOf(application)} connection ${escapeLiteral(conninfo)}
     publication ${escapeIdentifier(PUBLICATION)}
     with (create_slot = false, slot_name = ${escapeLiteral(source.slot)}, copy_data = ${source.copyData},
       synchronous_commit = 'on', streaming = parallel, origin = none)`;
  await connection.query(statement(source.secret), [], { shownAs: statement(source.shown) });
}

/** Takes up tables that were published later; their rows are copied. */
export async function refreshSubscription(
  connection: SiteConnection,
  application: string,
): Promise<void> {
  await connection.query(`alter subscription ${nameOf(application)} refresh publication`);
}

export async function enableSubscription(
  connection: SiteConnection,
  application: string,
): Promise<void> {
  await connection.query(`alter subscription ${nameOf(application)} enable`);
}

/**
 * Stops applying and returns once no worker is left: from then on the position stands still.
 * A worker that hangs on a lock or on a dead link is ended; what it had not finished counts as not
 * applied. Idempotent.
 */
export async function stopApplying(
  context: PostgresContext,
  connection: SiteConnection,
  signal: AbortSignal,
): Promise<void> {
  const { application, clock, limits } = context;
  await connection.query(`alter subscription ${nameOf(application)} disable`);
  const endAfterMs = clock.now() + limits.applyStopMs * ASK_SHARE;
  await pollUntil(
    {
      clock,
      everyMs: WORKER_POLL_MS,
      limitMs: limits.applyStopMs,
      what: `the apply worker of site ${connection.site} to stop`,
      signal,
    },
    async () => {
      const { working } = await connection.one<{ readonly working: number }>(
        `select count(case when $2 then pg_terminate_backend(w.pid) else true end)::int as working
         from pg_stat_subscription w where w.subid = ${OWN_SUBSCRIPTION} and w.pid is not null`,
        [subscriptionName(application), clock.now() >= endAfterMs],
      );
      return working === 0 ? true : null;
    },
  );
}

/**
 * How much the apply worker has received, as `X/Y`; null if none is connected. Moves with every
 * message, so two equal answers mean that nothing is on its way through the worker.
 */
export async function receivedLsn(
  connection: SiteConnection,
  application: string,
): Promise<string | null> {
  const [worker] = await connection.query<{ readonly received: string | null }>(
    `select w.received_lsn::text as received from pg_stat_subscription w
     where w.subid = ${OWN_SUBSCRIPTION} and w.worker_type = 'apply' and w.pid is not null`,
    [subscriptionName(application)],
  );
  return worker?.received ?? null;
}

/**
 * Drops a stopped subscription without asking the other site, which may be dead: its slot stays
 * there. Idempotent.
 */
export async function dropDetached(connection: SiteConnection, application: string): Promise<void> {
  const state = await readSubscription(connection, application);
  if (state === null) return;
  const name = nameOf(application);
  if (state.slot !== null)
    await connection.query(`alter subscription ${name} set (slot_name = none)`);
  await connection.query(`drop subscription ${name}`);
}

/**
 * How far the log of the other site was applied here, as `X/Y`; null if it never was, or if we may
 * not read it (`pg_show_replication_origin_status` is superuser's unless granted).
 */
export async function appliedLsn(
  connection: SiteConnection,
  application: string,
): Promise<string | null> {
  const { readable } = await connection.one<{ readonly readable: boolean }>(
    `select has_function_privilege('pg_show_replication_origin_status()', 'execute') as readable`,
  );
  if (!readable) return null;
  const [row] = await connection.query<{ readonly lsn: string | null }>(
    `select nullif(o.remote_lsn, '0/0')::text as lsn
     from pg_show_replication_origin_status() o
     where o.external_id = 'pg_' || ${OWN_SUBSCRIPTION}`,
    [subscriptionName(application)],
  );
  return row?.lsn ?? null;
}

function nameOf(application: string): string {
  return escapeIdentifier(subscriptionName(application));
}
