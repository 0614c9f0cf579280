/** Opening and closing the writes of a site, taking a fence back, and doing without a lease. */
import { CloudPhoenixError, type SiteId } from "@cloudphoenix/core";
import { closeGateAgainstWriters } from "./fence-database.ts";
import { guardTables } from "./lease/lease-guard.ts";
import { dropLease } from "./lease/site-lease-control.ts";
import { subscriptionName } from "./object-names.ts";
import type { PostgresContext } from "./postgres-context.ts";
import type { SiteConnection } from "./site-connections.ts";
import { claimSite, readSiteRow, type SiteRow } from "./site-row.ts";
import { readSubscription } from "./subscription.ts";
import { waitForStandby } from "./synchronous-standby.ts";
import { BEGIN_GATE_CHANGE, isLockFailure, openGate } from "./write-gate.ts";

const RETRY_MS = 20;

interface AccessChange {
  readonly site: SiteId;
  readonly generation: number;
}

/** Lets application writes through. @throws {CloudPhoenixError} `PROMOTION_REFUSED` unless active */
export async function openWrites(
  context: PostgresContext,
  { site, generation }: AccessChange,
  signal: AbortSignal,
): Promise<void> {
  await context.connections.withSession(site, signal, async (connection) => {
    const opened = await openAs(context, connection, { generation, from: "active" }, signal);
    if (opened !== null) return;
    throw new CloudPhoenixError("PROMOTION_REFUSED", `site ${site} has not been promoted`, {
      retryable: false,
      hint: "Promote the site first, or take its fence back.",
    });
  });
}

/** Refuses application writes again; the site stays what it is. */
export async function closeWrites(
  context: PostgresContext,
  { site, generation }: AccessChange,
  signal: AbortSignal,
): Promise<void> {
  await context.connections.withSession(site, signal, async (connection) => {
    await claimSite(connection, generation, ["active", "standby", "fenced"], { writesOpen: false });
    await closeGateAgainstWriters(context, connection, signal);
  });
}

/**
 * Takes a fence back. A site that follows another becomes a standby again and stays closed; any
 * other becomes active and open. A site that is not fenced is left as it is, but keeps the
 * generation: the fence that is taken back may still be on its way.
 */
export async function unfenceDatabase(
  context: PostgresContext,
  { site, generation }: AccessChange,
  signal: AbortSignal,
): Promise<void> {
  await context.connections.withSession(site, signal, async (connection) => {
    await claimSite(connection, generation, ["active", "standby", "fenced"]);
    if ((await readSubscription(connection, context.application)) !== null) {
      await claimSite(connection, generation, ["fenced"], { role: "standby" });
      return;
    }
    const row = await openAs(context, connection, { generation, from: "fenced" }, signal);
    if (row?.durability !== "sync") return;
    await waitForStandby(context, connection, subscriptionName(context.application), signal);
  });
}

/**
 * Frees an open site from a lease that is no longer configured, so that no agent is needed to keep
 * it writable. Does nothing at a site that is closed, or where a lease is configured. Idempotent.
 */
export async function releaseLease(
  context: PostgresContext,
  site: SiteId,
  signal: AbortSignal,
): Promise<void> {
  if (context.connections.isLeased(site)) return;
  await context.connections.withSession(site, signal, (connection) =>
    connection.transaction(async () => {
      const row = await readSiteRow(connection);
      if (row === null || row.role !== "active" || !row.writesOpen) return;
      // The claim holds the row against a fence until the lease is gone.
      const claimed = await claimSite(connection, row.generation, ["active"]);
      if (claimed?.writesOpen === true) await dropLease(connection);
    }),
  );
}

/** Role, row and gates change together or not at all. @returns null if the role is not `from` */
async function openAs(
  context: PostgresContext,
  connection: SiteConnection,
  change: { readonly generation: number; readonly from: "active" | "fenced" },
  signal: AbortSignal,
): Promise<SiteRow | null> {
  const untilMs = context.clock.now() + context.limits.gateMs;
  for (;;) {
    try {
      return await connection.transaction(async () => {
        const row = await claimSite(connection, change.generation, [change.from], {
          role: "active",
          writesOpen: true,
        });
        if (row === null) return null;
        await openGate(connection);
        // The gate stays open; with a lease it is the lease that decides from here on.
        if (context.connections.isLeased(connection.site)) await guardTables(connection);
        else await dropLease(connection);
        return row;
      }, BEGIN_GATE_CHANGE);
    } catch (error) {
      if (!isLockFailure(error) || context.clock.now() >= untilMs) throw error;
      await context.clock.sleep(RETRY_MS, signal);
    }
  }
}
