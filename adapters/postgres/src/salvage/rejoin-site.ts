/**
 * Brings a fenced old primary home as the standby of the site that took over, without copying what
 * is equal already.
 *
 * Since the sites parted (the position up to which the new primary had applied the old one's log)
 * two slots have kept every change: the old primary's for its former standby, and the reverse slot
 * at the new primary, made before its first write. Rows that neither changed are equal.
 *
 * 1. A position in the new primary's log and a snapshot that belongs to it are taken. Every row
 *    that either log names becomes what the snapshot shows, in one transaction. The old primary is
 *    now what the new one was at that position, exactly.
 * 2. The reverse slot moves to that position, and only then is it followed. (Repairing from newer
 *    rows and replaying the log over them would nearly always converge, but stops at a unique
 *    constraint that only an intermediate state offends, and loses rows whose key moved.)
 * 3. Until the subscription exists both slots stay. After a crash at any point the logs still name
 *    every row that can differ, the repair's own changes included, so doing it again is right.
 * 4. The role changes after the subscription exists, so that a site that says "standby" follows.
 */
import { CloudPhoenixError, type SiteId } from "@cloudphoenix/core";
import type { RejoinRequest, RejoinResult } from "@cloudphoenix/engine";
import { exclusively } from "../exclusively.ts";
import { closeGateAgainstWriters } from "../fence-database.ts";
import { confirmFlow } from "../initial-copy.ts";
import { slotName } from "../object-names.ts";
import { peerConninfo } from "../peer-conninfo.ts";
import type { PostgresContext } from "../postgres-context.ts";
import { forgetPromotions } from "../promotion-record.ts";
import { readSchema } from "../read-schema.ts";
import { schemaDifferences } from "../schema-object.ts";
import { setDurability } from "../setup-replication.ts";
import type { SiteConnection } from "../site-connections.ts";
import { claimSite } from "../site-row.ts";
import { dropIdleSlot } from "../slot.ts";
import { createSubscription, enableSubscription, readSubscription } from "../subscription.ts";
import { requireSlot } from "./decoded-log.ts";
import { repairSite } from "./repair-site.ts";

/** Both ends, the request and the signal: what every part of a rejoin needs. */
export interface Rejoining extends RejoinRequest {
  readonly site: SiteConnection;
  readonly to: SiteConnection;
  readonly signal: AbortSignal;
}

/** See `Salvage.rejoin`. */
export async function rejoinSite(
  context: PostgresContext,
  sites: { readonly site: SiteId; readonly to: SiteId },
  request: RejoinRequest,
  signal: AbortSignal,
): Promise<RejoinResult> {
  const { connections } = context;
  return connections.withSession(sites.to, signal, (to) =>
    connections.withSession(sites.site, signal, async (site) => {
      const rejoining = { ...request, site, to, signal };
      const result = await exclusively(
        to,
        () => exclusively(site, () => rejoin(context, rejoining), context),
        context,
      );
      await confirmFlow(context, { from: to, to: site }, signal);
      await setDurability(context, to, signal);
      return result;
    }),
  );
}

async function rejoin(context: PostgresContext, rejoining: Rejoining): Promise<RejoinResult> {
  const { site, to, signal } = rejoining;
  await claimBoth(context, rejoining);
  const before = await readSubscription(site, context.application);
  const result = before === null ? await repairSite(context, rejoining) : NOTHING;
  if (before === null) {
    await subscribe(context, rejoining);
  } else {
    await requireSlot(to, rejoining.reverseSlot, site.site);
    if (!before.enabled) await enableSubscription(site, context.application);
  }
  // Nobody will read from it again: whoever follows this site later starts from a new promotion.
  await dropIdleSlot(site, slotName(context.application, to.site));
  await site.transaction(async () => {
    await forgetPromotions(site);
    await claimSite(site, rejoining.generation, ["fenced", "standby"], {
      role: "standby",
      writesOpen: false,
    });
  });
  signal.throwIfAborted();
  return result;
}

const NOTHING: RejoinResult = {
  deleted: 0,
  restored: 0,
  tables: [],
  fullCopyTables: [],
  alreadyDone: true,
};

/** Both sites refuse older runs from here on, and the one to repair takes no writes. */
async function claimBoth(context: PostgresContext, rejoining: Rejoining): Promise<void> {
  const { site, to, generation, signal } = rejoining;
  if ((await claimSite(to, generation, ["active"])) === null) {
    throw conflict(`site ${to.site} is not active`, "Name the site that took over.");
  }
  const row = await claimSite(site, generation, ["fenced", "standby"]);
  if (row === null || row.writesOpen) {
    throw conflict(`site ${site.site} is not fenced`, "Fence the site first.");
  }
  await closeGateAgainstWriters(context, site, signal);
  const left = { site: site.site, objects: await readSchema(site) };
  const differences = schemaDifferences(left, { site: to.site, objects: await readSchema(to) });
  if (differences.length === 0) return;
  throw conflict(
    `the schemas differ: ${differences.join("; ")}`,
    "Make the schemas equal, then try again.",
  );
}

async function subscribe(
  context: PostgresContext,
  { site, to, reverseSlot }: Rejoining,
): Promise<void> {
  const conninfo = await peerConninfo(context.connections.siteOf(to.site));
  await createSubscription(site, context.application, {
    slot: reverseSlot,
    ...conninfo,
    copyData: false,
  });
}

function conflict(message: string, hint: string): CloudPhoenixError {
  return new CloudPhoenixError("CONFLICT", message, { retryable: false, hint });
}
