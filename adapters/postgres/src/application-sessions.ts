/** Sessions of the application, and ending them. */
import { SESSION_NAME } from "./object-names.ts";
import type { SiteConnection } from "./site-connections.ts";

/**
 * Everybody with a session in this database but us and, unless we are superuser, superusers (only
 * they may end each other; the gate binds them all the same).
 */
const FROM_APPLICATION_SESSIONS = `
  from pg_stat_activity a left join pg_roles r on r.oid = a.usesysid
  where a.datname = current_database() and a.backend_type = 'client backend'
    and a.pid <> pg_backend_pid()
    and not (a.usename = current_user and a.application_name = '${SESSION_NAME}')
    and (not coalesce(r.rolsuper, false)
      or (select rolsuper from pg_roles where rolname = current_user))`;

/**
 * Tells application sessions to end, without waiting for them.
 * @param startedBefore - only sessions older than this server time (as text); all if null
 * @returns how many there were
 */
export async function endApplicationSessions(
  connection: SiteConnection,
  startedBefore: string | null = null,
): Promise<number> {
  const { told } = await connection.one<{ readonly told: number }>(
    `select count(pg_terminate_backend(a.pid))::int as told ${FROM_APPLICATION_SESSIONS}
       and a.backend_start < coalesce($1::timestamptz, 'infinity')`,
    [startedBefore],
  );
  return told;
}

/** Whether we may see sessions of other roles. If not, an empty list proves nothing. */
export async function seesAllSessions(connection: SiteConnection): Promise<boolean> {
  const { sees } = await connection.one<{ readonly sees: boolean }>(
    "select pg_has_role('pg_read_all_stats', 'usage') as sees",
  );
  return sees;
}
