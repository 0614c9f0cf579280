/** Replication slots: they keep the log until the follower has it, and remember how far it got. */
import type { SiteId } from "@cloudphoenix/core";
import { SCHEMA, subscriptionName } from "./object-names.ts";
import type { SiteConnection } from "./site-connections.ts";

export interface SlotState {
  readonly active: boolean;
  /** `reserved`, `extended`, `unreserved` or `lost`; null if the slot has kept nothing yet. */
  readonly walStatus: string | null;
  /** Why the server gave the slot up; null while it has not. */
  readonly invalidation: string | null;
  /** How far the follower has flushed, as `X/Y`. */
  readonly confirmedLsn: string | null;
}

/** The slot in this database; null if there is none. */
export async function readSlot(
  connection: SiteConnection,
  slot: string,
): Promise<SlotState | null> {
  const [row] = await connection.query<SlotState>(
    `select active, wal_status as "walStatus", confirmed_flush_lsn::text as "confirmedLsn",
       to_jsonb(s) ->> 'invalidation_reason' as invalidation
     from pg_replication_slots s where slot_name = $1 and database = current_database()`,
    [slot],
  );
  return row ?? null;
}

/** Whether the server has removed log that the follower still needed. */
export function isSlotLost(slot: SlotState): boolean {
  return slot.walStatus === "lost" || slot.invalidation !== null;
}

/** Whether a follower of this slot can get no further: it is gone, or its log is. */
export function keepsNothing(slot: SlotState | null): boolean {
  return slot === null || isSlotLost(slot);
}

export function logRemovedText({
  from,
  to,
}: {
  readonly from: SiteId;
  readonly to: SiteId;
}): string {
  return `site ${from} no longer keeps the log that ${to} needs`;
}

/**
 * How to begin anew with a follower whose log is gone, without a full stop. Dropping the subscription
 * would ask for a slot that is gone, and the tables cannot be emptied: their gates are closed.
 */
export function reseedHint(application: string, to: SiteId): string {
  const name = subscriptionName(application);
  return `At ${to}: alter subscription ${name} disable; alter subscription ${name} set (slot_name = none); drop subscription ${name}; drop the application's schema and schema ${SCHEMA} there; then: cloudphoenix replicate setup`;
}

/**
 * Makes the slot if it is missing. Waits for transactions that write now to end.
 * @returns whether it was made
 */
export async function ensureSlot(connection: SiteConnection, slot: string): Promise<boolean> {
  if ((await readSlot(connection, slot)) !== null) return false;
  await connection.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [slot]);
  return true;
}

/** Drops the slot if it is there and nobody reads from it. Idempotent. */
export async function dropIdleSlot(connection: SiteConnection, slot: string): Promise<void> {
  await connection.query(
    `select pg_drop_replication_slot(slot_name) from pg_replication_slots
     where slot_name = $1 and database = current_database() and not active`,
    [slot],
  );
}
