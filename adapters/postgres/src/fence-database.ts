/**
 * Stops the writers of a database, whatever they are doing, and proves it.
 *
 * Order matters:
 * 1. The row is taken first, and the lease ends with it: from here on a stale run is refused, no
 *    agent can renew, and services read "closed".
 * 2. Sessions end before the gates close, because a gate waits for transactions that have
 *    written, and an idle one can last for hours.
 * 3. Sessions older than the closed gates end. Newer ones can only read, so they may stay: pods
 *    reconnect at once, and waiting for an empty list would never end.
 * 4. Subscriptions that are not ours write past every gate. Those that we may are disabled before
 *    the gates close, since their workers hold tables as well, and stay disabled.
 * 5. A table of somebody else is left open and keeps the fence unproven; all others are closed.
 * 6. Only then does the server stop waiting for its standby (mode `sync`). Any earlier, commits
 *    that still wait would be acknowledged although the standby never got them.
 */
import {
  CloudPhoenixError,
  type FenceProof,
  hasCode,
  type SiteId,
  unprovenBecause,
} from "@cloudphoenix/core";
import { endApplicationSessions, seesAllSessions } from "./application-sessions.ts";
import {
  bringingRows,
  bringsRowsText,
  foreignSubscriptions,
  stopForeignSubscriptions,
} from "./foreign-subscriptions.ts";
import { lapseLease } from "./lease/site-lease-control.ts";
import { subscriptionName } from "./object-names.ts";
import { pollUntil } from "./poll-until.ts";
import type { PostgresContext } from "./postgres-context.ts";
import type { SiteConnection } from "./site-connections.ts";
import { unfitTables } from "./preflight.ts";
import { claimSite, readSiteRow } from "./site-row.ts";
import { stopWaitingForStandby } from "./synchronous-standby.ts";
import { BEGIN_GATE_CHANGE, closeOwnGates, isLockFailure, readGate } from "./write-gate.ts";

/** Name of this means of fencing in proofs. */
export const FENCE_MEANS = "database";

const SESSION_POLL_MS = 20;

const NOT_OURS = "we are not (a member of) its owner";

const BLIND = "the sessions of other roles cannot be seen: pg_read_all_stats is missing";

/**
 * Fences the database of `site`. Idempotent.
 * @returns `confirmed` after reading everything back, else `unproven` with the reason
 * @throws {CloudPhoenixError} `STALE_GENERATION`; `ABORTED` if `signal` aborts for another reason
 *   than its own deadline
 */
export async function fenceDatabase(
  context: PostgresContext,
  site: SiteId,
  generation: number,
  signal: AbortSignal,
): Promise<FenceProof> {
  try {
    return await context.connections.withSession(site, signal, (connection) =>
      fence(context, connection, generation, signal),
    );
  } catch (error) {
    return unprovenUnlessRefused(error, signal);
  }
}

/** What `fenceDatabase` would reach now. Changes nothing. */
export async function forecastFence(
  context: PostgresContext,
  site: SiteId,
  signal: AbortSignal,
): Promise<FenceProof> {
  try {
    return await context.connections.withSession(site, signal, (connection) =>
      forecast(context, connection),
    );
  } catch (error) {
    return unprovenUnlessRefused(error, signal);
  }
}

/**
 * Closes every gate, ending the sessions that stand in the way until it works.
 * @throws {CloudPhoenixError} `TIMED_OUT` (retryable) after `limits.gateMs`, naming who holds on;
 *   `UNAUTHORIZED` naming tables of somebody else, after all others have been closed
 */
export async function closeGateAgainstWriters(
  context: PostgresContext,
  connection: SiteConnection,
  signal: AbortSignal,
): Promise<void> {
  await closeOwnGatesAgainstWriters(context, connection, signal);
  const { beyondUs } = await readGate(connection);
  if (beyondUs.length === 0) return;
  throw new CloudPhoenixError(
    "UNAUTHORIZED",
    `writes at site ${connection.site} stay open for ${beyondUs.join(", ")}: ${NOT_OURS}`,
    { retryable: false, hint: "Give the table to a role of which CloudPhoenix's is a member." },
  );
}

async function closeOwnGatesAgainstWriters(
  context: PostgresContext,
  connection: SiteConnection,
  signal: AbortSignal,
): Promise<void> {
  const untilMs = context.clock.now() + context.limits.gateMs;
  for (;;) {
    try {
      await connection.transaction(() => closeOwnGates(connection), BEGIN_GATE_CHANGE);
      return;
    } catch (error) {
      if (!isLockFailure(error)) throw error;
      if (context.clock.now() >= untilMs) throw await gateHeldOpen(connection, error);
      await endApplicationSessions(connection);
      await context.clock.sleep(SESSION_POLL_MS, signal);
    }
  }
}

async function fence(
  context: PostgresContext,
  connection: SiteConnection,
  generation: number,
  signal: AbortSignal,
): Promise<FenceProof> {
  await connection.transaction(async () => {
    await claimSite(connection, generation, ["active", "standby", "fenced"], {
      role: "fenced",
      writesOpen: false,
    });
    await lapseLease(connection, context.connections.isLeased(connection.site));
  });
  await endApplicationSessions(connection);
  await stopForeignSubscriptions(context, connection, signal);
  await closeOwnGatesAgainstWriters(context, connection, signal);
  await endOlderSessions(context, connection, signal);
  await stopWaitingForStandby(context, connection, subscriptionName(context.application), signal);
  const proven = await proof(context, connection, generation);
  if (proven.degree === "confirmed") context.memory.noteStopped(connection.site);
  return proven;
}

/** Ends every session older than now and waits until none is left. */
async function endOlderSessions(
  context: PostgresContext,
  connection: SiteConnection,
  signal: AbortSignal,
): Promise<void> {
  const { now } = await connection.one<{ readonly now: string }>(
    "select clock_timestamp()::text as now",
  );
  await pollUntil(
    {
      clock: context.clock,
      everyMs: SESSION_POLL_MS,
      limitMs: context.limits.gateMs,
      what: `the application's sessions at site ${connection.site} to end`,
      signal,
    },
    async () => ((await endApplicationSessions(connection, now)) === 0 ? true : null),
  );
}

async function proof(
  context: PostgresContext,
  connection: SiteConnection,
  generation: number,
): Promise<FenceProof> {
  const row = await readSiteRow(connection);
  const gate = await readGate(connection);
  if (row?.role !== "fenced" || row.writesOpen || row.generation !== generation) {
    return unproven(`read back: role ${row?.role ?? "none"}, generation ${row?.generation ?? 0}`);
  }
  if (!(await seesAllSessions(connection))) return unproven(BLIND);
  if (gate.open.length > 0) {
    const why = gate.beyondUs.length === 0 ? "" : ` (${NOT_OURS})`;
    const shut = gate.tables - gate.open.length;
    return unproven(
      `writes are still open for ${gate.open.join(", ")}${why}; ${shut} of ${gate.tables} tables refuse them`,
    );
  }
  const foreign = await foreignSubscriptions(context, connection);
  const writing = foreign.filter(({ enabled, working }) => enabled || working);
  if (writing.length > 0) return unproven(writing.map(bringsRowsText).join("; "));
  const stopped = foreign.map(({ name }) => `; subscription ${name} is disabled and stays so`);
  return {
    means: FENCE_MEANS,
    degree: "confirmed",
    detail: `the database refuses writes to all ${gate.tables} tables at generation ${generation} and has ended every older session${stopped.join("")}`,
  };
}

async function forecast(context: PostgresContext, connection: SiteConnection): Promise<FenceProof> {
  const row = await readSiteRow(connection);
  if (row === null) return unproven("the database is not set up for CloudPhoenix");
  if (!(await seesAllSessions(connection))) return unproven(BLIND);
  const { count } = await connection.one<{ readonly count: number }>(
    "select count(*)::int as count from pg_prepared_xacts where database = current_database()",
  );
  if (count > 0) return unproven(`${count} prepared transactions could hold the gates open`);
  const problems = await unfitTables(connection);
  const foreign = problems.filter(({ rule }) => rule === "not-the-owner");
  if (foreign.length > 0) return unproven(foreign.map(({ sentence }) => sentence).join("; "));
  const beyondUs = (await bringingRows(context, connection)).filter(({ ours }) => !ours);
  if (beyondUs.length > 0) return unproven(beyondUs.map(bringsRowsText).join("; "));
  return { means: FENCE_MEANS, degree: "confirmed", detail: "the database answers and can refuse" };
}

async function gateHeldOpen(connection: SiteConnection, cause: unknown): Promise<Error> {
  const prepared = await connection.query<{ readonly gid: string }>(
    "select gid from pg_prepared_xacts where database = current_database() order by prepared",
  );
  const holders =
    prepared.length === 0
      ? "other transactions"
      : `prepared transactions ${prepared.map((one) => one.gid).join(", ")}`;
  return new CloudPhoenixError(
    "TIMED_OUT",
    `writes at site ${connection.site} could not be closed: ${holders} hold tables`,
    { retryable: true, hint: "End those transactions, then try again.", cause },
  );
}

function unprovenUnlessRefused(error: unknown, signal: AbortSignal): FenceProof {
  const deadline = signal.reason instanceof DOMException && signal.reason.name === "TimeoutError";
  if (hasCode(error, "ABORTED") && !deadline) throw error;
  return unprovenBecause(FENCE_MEANS, error);
}

function unproven(detail: string): FenceProof {
  return { means: FENCE_MEANS, degree: "unproven", detail };
}
