/**
 * Makes one site the standby of another.
 *
 * Nothing is changed before the whole preflight has passed. Each part looks for its own earlier
 * work first, so setting up again finishes what was interrupted, takes up tables that were added
 * at both sites, and does nothing to a healthy pair.
 */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { SetupRequest, SetupResult } from "@cloudphoenix/engine";
import { createOwnSchema } from "./cloudphoenix-schema.ts";
import { copySchema } from "./copy-schema.ts";
import { exclusively } from "./exclusively.ts";
import { applyGrants, grantReplication, readGrants } from "./grants.ts";
import { confirmFlow, waitForCopy } from "./initial-copy.ts";
import { guardTables } from "./lease/lease-guard.ts";
import { PUBLICATION, SCHEMA, slotName, subscriptionName } from "./object-names.ts";
import { peerConninfo, peerRole } from "./peer-conninfo.ts";
import type { PostgresContext } from "./postgres-context.ts";
import { hasTables, PreflightError, type PreflightSide } from "./preflight.ts";
import { preflightProblems } from "./preflight-pair.ts";
import { forgetPromotions } from "./promotion-record.ts";
import { ensurePublication } from "./publication.ts";
import { readSchema } from "./read-schema.ts";
import type { SiteConnection } from "./site-connections.ts";
import { holdSiteRow, readSiteRow, roleConflict } from "./site-row.ts";
import {
  dropIdleSlot,
  ensureSlot,
  isSlotLost,
  keepsNothing,
  logRemovedText,
  readSlot,
  reseedHint,
} from "./slot.ts";
import {
  createSubscription,
  enableSubscription,
  readSubscription,
  refreshSubscription,
  type SubscriptionState,
} from "./subscription.ts";
import { stopWaitingForStandby, waitForStandby } from "./synchronous-standby.ts";
import { BEGIN_GATE_CHANGE, closeGate, openGate } from "./write-gate.ts";

/** Both ends while they are being set up. */
interface Pair {
  readonly from: PreflightSide;
  readonly to: PreflightSide;
  readonly request: SetupRequest;
}

/**
 * @throws {PreflightError} with every problem found
 * @throws {CloudPhoenixError} `CONFLICT` if the sites have other roles than asked for;
 *   `REPLICATION_BROKEN` if an existing pair cannot be repaired by setting up again
 */
export async function setupReplication(
  context: PostgresContext,
  request: SetupRequest,
  signal: AbortSignal,
): Promise<SetupResult> {
  const { connections } = context;
  return connections.withSession(request.from, signal, (from) =>
    connections.withSession(request.to, signal, async (to) => {
      const sides = { from, to };
      const made = await exclusively(
        from,
        () => exclusively(to, () => makePair(context, sides, request, signal), context),
        context,
      );
      // Not exclusively: a copy takes hours, and a promotion must not wait for it to be refused.
      const tables = await waitForCopy(context, sides, request.onProgress, signal);
      if (made.subscribed) await confirmFlow(context, sides, signal);
      await setDurability(context, from, signal);
      const { schemaCopied, subscribed } = made;
      return { alreadyDone: !subscribed && !schemaCopied, schemaCopied, tables };
    }),
  );
}

/** Everything up to the start of the copy. */
async function makePair(
  context: PostgresContext,
  sides: { readonly from: SiteConnection; readonly to: SiteConnection },
  request: SetupRequest,
  signal: AbortSignal,
): Promise<{ readonly schemaCopied: boolean; readonly subscribed: boolean }> {
  await checkRoles(sides.from, sides.to);
  const pair: Pair = {
    from: { connection: sides.from, objects: await readSchema(sides.from) },
    to: { connection: sides.to, objects: await readSchema(sides.to) },
    request,
  };
  const before = await readSubscription(sides.to, context.application);
  const problems = await preflightProblems(context, pair, before);
  if (problems.length > 0) throw new PreflightError(problems);
  const slot = await readSlot(sides.from, slotName(context.application, request.to));
  if (before !== null && keepsNothing(slot)) throw logRemoved(context.application, request);

  const schemaCopied = !hasTables(pair.to.objects);
  await prepareActive(context, pair);
  await prepareStandby(context, pair, schemaCopied);
  return { schemaCopied, subscribed: await follow(context, pair, before, signal) };
}

/** The active site must not be a standby, and a standby that was promoted is no standby any more. */
async function checkRoles(from: SiteConnection, to: SiteConnection): Promise<void> {
  const wrong = [
    roleConflict(from.site, await readSiteRow(from), "active"),
    roleConflict(to.site, await readSiteRow(to), "standby"),
  ].filter((sentence) => sentence !== null);
  if (wrong.length > 0) throw turned(wrong);
}

function turned(wrong: readonly string[]): CloudPhoenixError {
  return new CloudPhoenixError("CONFLICT", wrong.join("; "), {
    retryable: false,
    hint: "Name the active site as source, and fail back before turning replication round.",
  });
}

function logRemoved(application: string, { from, to }: SetupRequest): CloudPhoenixError {
  return new CloudPhoenixError("REPLICATION_BROKEN", logRemovedText({ from, to }), {
    retryable: false,
    hint: `${reseedHint(application, to)}.`,
  });
}

async function prepareActive(context: PostgresContext, { from, request }: Pair): Promise<void> {
  const { connection } = from;
  await prepareSide(context, connection, { role: "active", generation: request.generation });
  await connection.query(
    `insert into ${SCHEMA}.heartbeat (id, at_ms, generation) values (1, $1, $2)
     on conflict (id) do nothing`,
    [context.clock.now(), request.generation],
  );
  await ensurePublication(connection);
}

async function prepareStandby(
  context: PostgresContext,
  { from, to, request }: Pair,
  copies: boolean,
): Promise<void> {
  const source = context.connections.siteOf(request.from);
  const target = context.connections.siteOf(request.to);
  const grants = await readGrants(from.connection, source.applicationRole);
  await prepareSide(
    context,
    to.connection,
    { role: "standby", generation: request.generation },
    async () => {
      if (!copies) return;
      await copySchema(to.connection, from.objects);
      await applyGrants(to.connection, target.applicationRole, grants);
    },
  );
}

/**
 * Makes our schema, the row and the gates of one side, all or nothing: there is no moment in which
 * a standby has tables that take writes. `first` runs before the gates are made.
 */
async function prepareSide(
  context: PostgresContext,
  connection: SiteConnection,
  start: { readonly role: "active" | "standby"; readonly generation: number },
  first: () => Promise<void> = async () => undefined,
): Promise<void> {
  const site = context.connections.siteOf(connection.site);
  await connection.transaction(async () => {
    await first();
    await createOwnSchema(connection, {
      application: site.applicationRole,
      replication: peerRole(site),
      agent: site.agentRole ?? null,
    });
    await connection.query(
      `insert into ${SCHEMA}.site (site, role, generation, writes_open, durability)
       select $1, $2::text, $3, $2 = 'active', $4 where not exists (select from ${SCHEMA}.site)`,
      [connection.site, start.role, start.generation, context.durability],
    );
    await (start.role === "active" ? matchGate(connection) : closeGate(connection));
    if (context.connections.isLeased(connection.site)) await guardTables(connection);
    await grantReplication(connection, peerRole(site));
    if (start.role === "standby") await forgetPromotions(connection);
  }, BEGIN_GATE_CHANGE);
}

/**
 * Gives new tables of the active site the same gate as the others. The row is held: a fence that
 * comes now waits, and one that came first has closed gates which must not be opened again.
 */
async function matchGate(connection: SiteConnection): Promise<void> {
  const row = await holdSiteRow(connection);
  const conflict = roleConflict(connection.site, row, "active");
  if (conflict !== null) throw turned([conflict]);
  await (row.writesOpen ? openGate(connection) : closeGate(connection));
}

/** @returns whether anything had to be made or repaired */
async function follow(
  context: PostgresContext,
  pair: Pair,
  before: SubscriptionState | null,
  signal: AbortSignal,
): Promise<boolean> {
  const { application } = context;
  const from = pair.from.connection;
  const to = pair.to.connection;
  const slot = slotName(application, pair.request.to);
  if (before !== null) return repair(context, pair, before);

  signal.throwIfAborted();
  // Left over from the time when the standby was the primary: nobody will read from it again.
  await dropIdleSlot(to, slotName(application, pair.request.from));
  const leftOver = await readSlot(from, slot);
  if (leftOver !== null && isSlotLost(leftOver)) await dropIdleSlot(from, slot);
  await ensureSlot(from, slot);
  const conninfo = await peerConninfo(context.connections.siteOf(pair.request.from));
  await createSubscription(to, application, { slot, ...conninfo, copyData: true });
  return true;
}

async function repair(
  context: PostgresContext,
  pair: Pair,
  subscription: SubscriptionState,
): Promise<boolean> {
  const { application } = context;
  if (!subscription.enabled) await enableSubscription(pair.to.connection, application);
  const published = await publishedTables(pair.from.connection);
  const behind = published !== subscription.tables;
  if (behind) await refreshSubscription(pair.to.connection, application);
  return behind || !subscription.enabled;
}

async function publishedTables(connection: SiteConnection): Promise<number> {
  const { count } = await connection.one<{ readonly count: number }>(
    "select count(*)::int as count from pg_publication_tables where pubname = $1",
    [PUBLICATION],
  );
  return count;
}

/** Last, because from here on (mode `sync`) commits wait for the standby. */
export async function setDurability(
  context: PostgresContext,
  connection: SiteConnection,
  signal: AbortSignal,
): Promise<void> {
  const row = await readSiteRow(connection);
  const conflict = roleConflict(connection.site, row, "active");
  if (conflict !== null) throw new CloudPhoenixError("CONFLICT", conflict, { retryable: false });
  const standby = subscriptionName(context.application);
  if (context.durability === "sync") await waitForStandby(context, connection, standby, signal);
  else await stopWaitingForStandby(context, connection, standby, signal);
  await connection.query(
    `update ${SCHEMA}.site set durability = $1, updated_at = clock_timestamp()
     where durability <> $1`,
    [context.durability],
  );
}
