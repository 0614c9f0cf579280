/** Waiting until a standby has everything (switchover), and what is known when it cannot be asked. */
import {
  CloudPhoenixError,
  type LossBound,
  type SiteId,
  isFromTheFuture,
} from "@cloudphoenix/core";
import { slotName } from "./object-names.ts";
import { bytesBetween, parseLsn } from "./lsn.ts";
import { pollUntil } from "./poll-until.ts";
import type { PostgresContext } from "./postgres-context.ts";
import { readPromotion } from "./promotion-record.ts";
import { readHeartbeat } from "./sample-replication.ts";
import { sampleSequences } from "./sequences.ts";
import type { SiteConnection } from "./site-connections.ts";
import { readSiteRow } from "./site-row.ts";
import { isSlotLost, readSlot } from "./slot.ts";
import { appliedLsn } from "./subscription.ts";

const DRAIN_POLL_MS = 10;

/** A healthy standby needs a round trip. Longer means it does not follow. */
const DRAIN_LIMIT_MS = 60_000;

/** How often the watch writes a heartbeat: commits up to one interval after it are not bounded. */
export const HEARTBEAT_EVERY_MS = 250;

/**
 * Waits until `to` has flushed everything that `from` committed. `from` must be fenced: with open
 * writes there is no "everything".
 * @returns the position that was reached
 * @throws {CloudPhoenixError} `CONFLICT` if writes are open at `from`; `REPLICATION_BROKEN`;
 *   `TIMED_OUT`
 */
export async function drainReplication(
  context: PostgresContext,
  { from, to }: { readonly from: SiteId; readonly to: SiteId },
  signal: AbortSignal,
): Promise<{ readonly lsn: string }> {
  const slot = slotName(context.application, to);
  return context.connections.withSession(from, signal, async (connection) => {
    if ((await readSiteRow(connection))?.writesOpen !== false) {
      throw new CloudPhoenixError("CONFLICT", `writes are open at site ${from}`, {
        retryable: false,
        hint: "Fence the site first.",
      });
    }
    // The exact values travel along, so that the new primary need not guess.
    context.memory.noteSequences(from, await sampleSequences(connection));
    const { lsn } = await connection.one<{ readonly lsn: string }>(
      "select pg_current_wal_flush_lsn()::text as lsn",
    );
    await pollUntil(
      {
        clock: context.clock,
        everyMs: DRAIN_POLL_MS,
        limitMs: DRAIN_LIMIT_MS,
        what: `site ${to} to apply everything from ${from}`,
        signal,
      },
      () => confirmedUpTo(connection, slot, parseLsn(lsn)),
    );
    return { lsn };
  });
}

/** The slot's confirmed position is what the standby has flushed (`synchronous_commit = on`). */
async function confirmedUpTo(
  connection: SiteConnection,
  slot: string,
  lsn: bigint,
): Promise<true | null> {
  const state = await readSlot(connection, slot);
  if (state === null || isSlotLost(state)) {
    throw new CloudPhoenixError(
      "REPLICATION_BROKEN",
      `site ${connection.site} no longer keeps the log for its standby (slot ${slot})`,
      { retryable: false, hint: "Set up replication again." },
    );
  }
  const { confirmedLsn } = state;
  return confirmedLsn !== null && parseLsn(confirmedLsn) >= lsn ? true : null;
}

/**
 * What can be said about the loss without the old primary, from the standby and from what the
 * watch saw last. `boundMs` holds if `from` stopped acknowledging writes when it stopped
 * acknowledging heartbeats; how sure that is, is what its fence proof says. A heartbeat of a clock
 * that is ahead of ours tells nothing.
 */
export async function boundLoss(
  context: PostgresContext,
  { from, to }: { readonly from: SiteId; readonly to: SiteId },
  signal: AbortSignal,
): Promise<LossBound> {
  const { applied, ...told } = await context.connections.withSession(to, signal, (connection) =>
    readStandby(context, connection),
  );
  const seen = context.memory.lastBeforeStop(from);
  const completeUntilMs = believed(told.completeUntilMs, context.clock.now());
  // A controller started after the disaster saw no heartbeat; nothing is lost later than now.
  const aliveUntilMs = seen?.atMs ?? context.clock.now();
  return {
    completeUntilMs,
    lastAliveAtMs: seen?.atMs ?? null,
    boundMs:
      completeUntilMs === null
        ? null
        : Math.max(0, aliveUntilMs - completeUntilMs) + HEARTBEAT_EVERY_MS,
    boundBytes:
      seen === null || applied === null
        ? null
        : bytesBetween(parseLsn(applied), seen.walLsn).toString(),
    appliedLsn: applied,
  };
}

function believed(completeUntilMs: number | null, nowMs: number): number | null {
  return completeUntilMs !== null && isFromTheFuture(completeUntilMs, nowMs)
    ? null
    : completeUntilMs;
}

async function readStandby(
  context: PostgresContext,
  connection: SiteConnection,
): Promise<{ readonly applied: string | null; readonly completeUntilMs: number | null }> {
  if ((await readSiteRow(connection)) === null) return { applied: null, completeUntilMs: null };
  // Once promoted, heartbeats are written here and only the record knows what came from there.
  const record = await readPromotion(connection);
  if (record !== null) {
    return { applied: record.appliedLsn, completeUntilMs: record.completeUntilMs };
  }
  return {
    applied: await appliedLsn(connection, context.application),
    completeUntilMs: await readHeartbeat(connection),
  };
}
