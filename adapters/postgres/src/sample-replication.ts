/** The questions the watch asks. Each is one short look at one server. */
import { SCHEMA, slotName } from "./object-names.ts";
import { bytesBetween, parseLsn } from "./lsn.ts";
import type { PostgresContext } from "./postgres-context.ts";
import type { HeartbeatSeen } from "./replication-memory.ts";
import type { ActiveSample } from "./replication-state.ts";
import type { SiteConnection } from "./site-connections.ts";
import type { SiteRole } from "./site-row.ts";
import { isSlotLost, readSlot } from "./slot.ts";

/**
 * Writes the heartbeat unless this database follows another (a row of its own would collide with
 * the replicated one).
 * @returns what was seen with it; null if it was not written
 */
export async function writeHeartbeat(
  connection: SiteConnection,
  atMs: number,
): Promise<HeartbeatSeen | null> {
  const [row] = await connection.query<{ readonly lsn: string; readonly open: boolean }>(
    `update ${SCHEMA}.heartbeat h set at_ms = $1, generation = s.generation
     from ${SCHEMA}.site s where h.id = 1 and s.role <> 'standby'
     returning pg_current_wal_insert_lsn()::text as lsn, s.writes_open as open`,
    [atMs],
  );
  if (row === undefined) return null;
  return { atMs, walLsn: parseLsn(row.lsn), writesOpen: row.open };
}

/** Newest heartbeat readable here; null if there is none. */
export async function readHeartbeat(connection: SiteConnection): Promise<number | null> {
  const [beat] = await connection.query<{ readonly at: string }>(
    `select at_ms::text as at from ${SCHEMA}.heartbeat`,
  );
  return beat === undefined ? null : Number(beat.at);
}

export interface StandbyReading {
  readonly role: SiteRole;
  readonly generation: number;
  readonly writesOpen: boolean;
  /** Newest heartbeat readable here; null if there is none. */
  readonly heartbeatAtMs: number | null;
}

/** What the database of a standby shows; null if it is not set up. */
export async function readStandby(connection: SiteConnection): Promise<StandbyReading | null> {
  const [row] = await connection.query<{
    readonly role: SiteRole;
    readonly generation: string;
    readonly open: boolean;
    readonly at: string | null;
  }>(
    `select s.role, s.generation, s.writes_open as open,
       (select h.at_ms::text from ${SCHEMA}.heartbeat h) as at
     from ${SCHEMA}.site s`,
  );
  if (row === undefined) return null;
  return {
    role: row.role,
    generation: Number(row.generation),
    writesOpen: row.open,
    heartbeatAtMs: row.at === null ? null : Number(row.at),
  };
}

/** What the active site says about its standby `follower`. */
export async function sampleActive(
  context: PostgresContext,
  connection: SiteConnection,
  follower: string,
): Promise<ActiveSample> {
  const name = slotName(context.application, follower);
  const slot = await readSlot(connection, name);
  const { lsn, walsender } = await connection.one<{
    readonly lsn: string;
    readonly walsender: string | null;
  }>(
    `select pg_current_wal_flush_lsn()::text as lsn, (select r.state from pg_stat_replication r
       join pg_replication_slots s on s.active_pid = r.pid where s.slot_name = $1) as walsender`,
    [name],
  );
  const confirmed = slot?.confirmedLsn ?? null;
  return {
    atMs: context.clock.now(),
    slot: slot === null ? null : { lost: isSlotLost(slot), walStatus: slot.walStatus },
    walsender,
    lagBytes: confirmed === null ? null : bytesBetween(parseLsn(confirmed), parseLsn(lsn)),
  };
}
