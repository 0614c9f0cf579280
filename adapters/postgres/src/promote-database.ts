/**
 * Makes a standby the primary, step by step, so that a crash between any two statements is
 * repaired by calling again.
 *
 * 1. Gates are closed before and after; nothing is written here until `openWrites`.
 * 2. Applying stops before the position is read: the recorded position is final.
 * 3. Position and sequence values are recorded before the subscription, whose origin holds the
 *    position, is dropped. From the record on every step looks for its own work first.
 * 4. The reverse slot is made before the first write, or the old primary could never follow
 *    without a full copy. A slot left over from an earlier cycle is dropped before the record, so
 *    one found after it is ours.
 * 5. The role changes last, in one transaction with the end of the record.
 */
import { CloudPhoenixError, type SiteId } from "@cloudphoenix/core";
import type { Promotion } from "@cloudphoenix/engine";
import { exclusively } from "./exclusively.ts";
import { closeGateAgainstWriters } from "./fence-database.ts";
import { lapseLease } from "./lease/site-lease-control.ts";
import { slotName, subscriptionName } from "./object-names.ts";
import type { PostgresContext } from "./postgres-context.ts";
import { unfitTables } from "./preflight.ts";
import {
  completePromotion,
  type PromotionRecord,
  readPromotion,
  writePromotion,
} from "./promotion-record.ts";
import { ensurePublication } from "./publication.ts";
import { readHeartbeat } from "./sample-replication.ts";
import { advancedValue, advanceSequences, readSequences } from "./sequences.ts";
import type { SiteConnection } from "./site-connections.ts";
import { claimSite, type SiteRow } from "./site-row.ts";
import { dropIdleSlot, ensureSlot } from "./slot.ts";
import {
  appliedLsn,
  dropDetached,
  readSubscription,
  receivedLsn,
  stopApplying,
} from "./subscription.ts";
import { stopWaitingForStandby } from "./synchronous-standby.ts";
import { type SiteProblem, uncoveredTables } from "./uncovered-tables.ts";
import { readGate } from "./write-gate.ts";

/**
 * A promotion never rests longer than a poll. Who is silent for so long is gone, and the next one
 * must get the lock within the tries of its step, which take at least 18 s against a held lock.
 */
const SILENCE_MS = 8_000;

/** How long to let the standby finish what has already arrived from a primary that went silent. */
const SETTLE_LIMIT_MS = 300;
const SETTLE_POLL_MS = 50;

interface PromotionRequest {
  readonly site: SiteId;
  readonly from: SiteId;
  readonly generation: number;
}

interface Promoting extends PromotionRequest {
  /** How far the sequences of the site that is left were seen to have got. */
  readonly remembered: ReadonlyMap<string, bigint>;
}

/**
 * @throws {CloudPhoenixError} `PROMOTION_REFUSED` if the site has no complete copy or does not
 *   follow `from`; `STALE_GENERATION`; `STATE_UNAVAILABLE`, `UNREACHABLE`, `TIMED_OUT`, `ABORTED`
 */
export async function promoteDatabase(
  context: PostgresContext,
  request: PromotionRequest,
  signal: AbortSignal,
): Promise<Promotion> {
  // Before anything is changed: nobody shall find out half-way that it cannot be known.
  const remembered = await rememberedSequences(context, request.from);
  const promoting = { ...request, remembered };
  return context.connections.withSession(request.site, signal, (connection) =>
    exclusively(connection, () => promote(context, connection, promoting, signal), {
      silenceMs: SILENCE_MS,
    }),
  );
}

/** By the watch of this process, or where it saw nothing by that of the leader before. */
async function rememberedSequences(
  { memory, keptSequences }: PostgresContext,
  from: SiteId,
): Promise<ReadonlyMap<string, bigint>> {
  const seen = memory.sequences(from);
  return seen.size > 0 ? seen : keptSequences.recall(from);
}

async function promote(
  context: PostgresContext,
  connection: SiteConnection,
  request: Promoting,
  signal: AbortSignal,
): Promise<Promotion> {
  const row = await claimForPromotion(connection, request);
  let record = await readPromotion(connection);
  if (row.role === "active") return repeated(request, record);

  const starts = record === null || record.completed;
  if (starts) await refuseIncompleteCopy(context, connection, request);
  if ((await readGate(connection)).open.length > 0) {
    await closeGateAgainstWriters(context, connection, signal);
  }
  if (record === null || record.completed) {
    record = await recordPromotion(context, connection, request, signal);
  } else if (record.from !== request.from) {
    throw refused(`site ${request.site} is being promoted from ${record.from}`);
  }
  await finish(context, connection, { record, generation: request.generation }, signal);
  return promotionOf(request.site, record, false);
}

async function claimForPromotion(
  connection: SiteConnection,
  { generation }: PromotionRequest,
): Promise<SiteRow> {
  const row = await claimSite(connection, generation, ["standby", "active", "fenced"]);
  // The three roles are all there are, so the claim either took the row or threw.
  if (row === null) throw refused(`site ${connection.site} has no role`);
  return row;
}

/** A site that is active already was promoted by an earlier call, or must not be promoted at all. */
function repeated(request: PromotionRequest, record: PromotionRecord | null): Promotion {
  if (record === null || record.from !== request.from) {
    throw refused(`site ${request.site} is active and was not promoted from ${request.from}`);
  }
  return promotionOf(request.site, record, true);
}

/** What a promotion cannot mend: it would lack the rows, or fail when it publishes the tables. */
const STOPS_PROMOTION: ReadonlySet<SiteProblem["rule"]> = new Set([
  "not-subscribed",
  "unlogged-table",
  "not-the-owner",
]);

/** Refuses before anything is changed, naming every table. */
async function refuseIncompleteCopy(
  context: PostgresContext,
  connection: SiteConnection,
  { site, from }: PromotionRequest,
): Promise<void> {
  const subscription = await readSubscription(connection, context.application);
  // Of two sites one follows the other.
  const canFollow = from !== site && context.sites.includes(from);
  if (subscription === null || !canFollow) throw refused(`site ${site} does not follow ${from}`);
  const { tables, unready } = subscription;
  if (tables === 0 || unready.length > 0) {
    const which = tables === 0 ? "any table" : unready.join(", ");
    throw refused(`site ${site} has no complete copy of ${which}`);
  }
  const problems = [
    ...(await unfitTables(connection)),
    ...(await uncoveredTables(context, connection)),
  ];
  const stopping = problems.filter(({ rule }) => STOPS_PROMOTION.has(rule));
  if (stopping.length === 0) return;
  const sentences = stopping.map(({ sentence }) => sentence).join("; ");
  throw refused(
    `at site ${site}, ${sentences}`,
    `While both sites live: cloudphoenix replicate setup. After a disaster drop at ${site} the tables that it can do without, then retry the step.`,
  );
}

/** Stops applying, then writes down where it stopped and what follows from it. */
async function recordPromotion(
  context: PostgresContext,
  connection: SiteConnection,
  request: Promoting,
  signal: AbortSignal,
): Promise<PromotionRecord> {
  const { application, limits } = context;
  await letArrivedChangesApply(context, connection, signal);
  await stopApplying(context, connection, signal);
  const reverseSlot = slotName(application, request.from);
  await dropIdleSlot(connection, reverseSlot);
  const sequences = (await readSequences(connection)).map((facts) => {
    const remembered = request.remembered.get(facts.name) ?? null;
    const value = advancedValue(facts, remembered, limits.sequenceHeadroom);
    return [facts.name, value.toString()] as const;
  });
  const record: PromotionRecord = {
    generation: request.generation,
    from: request.from,
    appliedLsn: await appliedLsn(connection, application),
    completeUntilMs: await readHeartbeat(connection),
    reverseSlot,
    sequences: Object.fromEntries(sequences),
    completed: false,
  };
  await writePromotion(connection, record);
  return record;
}

/**
 * A primary that died may have sent more than is applied yet. Waits until nothing new was received
 * between two looks, or the worker has noticed that its connection is gone; never for long, since
 * a living primary (switchover, already drained) keeps sending heartbeats.
 */
async function letArrivedChangesApply(
  context: PostgresContext,
  connection: SiteConnection,
  signal: AbortSignal,
): Promise<void> {
  const untilMs = context.clock.now() + SETTLE_LIMIT_MS;
  let before: string | null = null;
  while (context.clock.now() < untilMs) {
    const received = await receivedLsn(connection, context.application);
    if (received === null || received === before) return;
    before = received;
    await context.clock.sleep(SETTLE_POLL_MS, signal);
  }
}

async function finish(
  context: PostgresContext,
  connection: SiteConnection,
  { record, generation }: { readonly record: PromotionRecord; readonly generation: number },
  signal: AbortSignal,
): Promise<void> {
  await dropDetached(connection, context.application);
  await ensurePublication(connection);
  await ensureSlot(connection, record.reverseSlot);
  await advanceSequences(connection, record.sequences);
  await stopWaitingForStandby(context, connection, subscriptionName(context.application), signal);
  await connection.transaction(async () => {
    await completePromotion(connection, record.generation);
    // Whoever opens the site has to install a lease, if there are leases at all.
    await lapseLease(connection, context.connections.isLeased(connection.site));
    // Nobody follows the new primary yet, so no commit can be promised to be elsewhere.
    await claimSite(connection, generation, ["standby", "active", "fenced"], {
      role: "active",
      writesOpen: false,
      durability: "async",
    });
  });
}

function promotionOf(site: SiteId, record: PromotionRecord, alreadyDone: boolean): Promotion {
  const { appliedLsn: lsn, reverseSlot, sequences } = record;
  return { site, appliedLsn: lsn, reverseSlot, sequences, alreadyDone };
}

function refused(
  reason: string,
  hint = "Look at the replication status of the site.",
): CloudPhoenixError {
  return new CloudPhoenixError("PROMOTION_REFUSED", `promotion refused: ${reason}`, {
    retryable: false,
    hint,
  });
}
