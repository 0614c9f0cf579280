/**
 * Subscriptions in the application's database that are not ours.
 *
 * Their apply workers write as replica: gates and the lease, which are ordinary triggers, do not
 * fire for them. And our own subscription takes only what the active site wrote itself (`origin =
 * none`, or two sites would send each other's rows round for ever), so what they bring in reaches
 * no standby and no loss report.
 *
 * A role that is no superuser reads every column of `pg_subscription` but `subconninfo`.
 */
import { escapeIdentifier } from "pg";
import { subscriptionName } from "./object-names.ts";
import { pollUntil } from "./poll-until.ts";
import type { PostgresContext } from "./postgres-context.ts";
import type { SiteConnection } from "./site-connections.ts";
import { BEGIN_GATE_CHANGE } from "./write-gate.ts";

export interface ForeignSubscription {
  readonly name: string;
  readonly enabled: boolean;
  /** Whether a worker of it is there, enabled or not. */
  readonly working: boolean;
  /** Whether we may disable it: only a superuser may change one that needs no password. */
  readonly ours: boolean;
}

const WORKER_POLL_MS = 20;

/** All of them, by name. One short look. */
export async function foreignSubscriptions(
  context: Pick<PostgresContext, "application">,
  connection: SiteConnection,
): Promise<readonly ForeignSubscription[]> {
  return connection.query<ForeignSubscription>(
    `select s.subname as name, s.subenabled as enabled,
       pg_has_role(s.subowner, 'usage') and (s.subpasswordrequired
         or (select rolsuper from pg_roles where rolname = current_user)) as ours,
       exists (select from pg_stat_subscription w where w.subid = s.oid and w.pid is not null)
         as working
     from pg_subscription s join pg_database d on d.oid = s.subdbid
     where d.datname = current_database() and s.subname <> $1 order by 1`,
    [subscriptionName(context.application)],
  );
}

/** Those that bring rows in, or could do so at once. */
export async function bringingRows(
  context: Pick<PostgresContext, "application">,
  connection: SiteConnection,
): Promise<readonly ForeignSubscription[]> {
  const all = await foreignSubscriptions(context, connection);
  return all.filter(({ enabled, working }) => enabled || working);
}

/** What is wrong with one that brings rows in; does not name the site. */
export function bringsRowsText({ name }: ForeignSubscription): string {
  return `subscription ${name} brings rows past gates and lease, which reach no standby: disable it, or keep its tables in another database`;
}

/**
 * Disables those that we may, and waits until their workers have gone. They stay disabled: only
 * their owner knows whether their rows are still wanted. What is left is for the proof to find.
 * @throws {CloudPhoenixError} `ABORTED`, `UNREACHABLE`
 */
export async function stopForeignSubscriptions(
  context: PostgresContext,
  connection: SiteConnection,
  signal: AbortSignal,
): Promise<void> {
  const stoppable = (await bringingRows(context, connection)).filter(({ ours }) => ours);
  if (stoppable.length === 0) return;
  const names = stoppable.map(({ name }) => name);
  try {
    for (const name of names) {
      await connection.transaction(
        () => connection.query(`alter subscription ${escapeIdentifier(name)} disable`),
        BEGIN_GATE_CHANGE,
      );
    }
    await untilGone(context, connection, names, signal);
  } catch (error) {
    // One that does not give way must not keep the gates open for everybody else.
    if (signal.aborted || !connection.usable) throw error;
  }
}

async function untilGone(
  { clock, limits }: PostgresContext,
  connection: SiteConnection,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const what = `the workers of ${names.join(", ")} at site ${connection.site} to stop`;
  const wait = { clock, everyMs: WORKER_POLL_MS, limitMs: limits.applyStopMs, what, signal };
  await pollUntil(wait, async () => {
    const { working } = await connection.one<{ readonly working: number }>(
      `select count(pg_terminate_backend(w.pid))::int as working
       from pg_stat_subscription w join pg_subscription s on s.oid = w.subid
       where s.subname = any ($1) and w.pid is not null`,
      [names],
    );
    return working === 0 ? true : null;
  });
}
