/** Names of what CloudPhoenix creates in a server. The same inputs give the same names for ever. */
import { createHash } from "node:crypto";
import type { SiteId } from "@cloudphoenix/core";

/** Schema in the application's database that belongs to CloudPhoenix. */
export const SCHEMA = "cloudphoenix";

/** Publication of the application's tables; one per database, so it needs no application name. */
export const PUBLICATION = "cloudphoenix";

/** Trigger on every application table that refuses writes while it is enabled. */
export const GATE_TRIGGER = "cloudphoenix_write_gate";

/** Triggers on every application table that ask for the lease. See `lease/lease-guard.ts`. */
export const LEASE_TRIGGER = "cloudphoenix_lease";
export const LEASE_TRUNCATE_TRIGGER = "cloudphoenix_lease_truncate";
export const LEASE_PARTITIONS_TRIGGER = "cloudphoenix_lease_partitions";

/** Everything of ours on a table of the application. */
export const OWN_TRIGGERS: readonly string[] = [
  GATE_TRIGGER,
  LEASE_TRIGGER,
  LEASE_TRUNCATE_TRIGGER,
  LEASE_PARTITIONS_TRIGGER,
];

/** What our own sessions call themselves in `pg_stat_activity`. */
export const SESSION_NAME = "cloudphoenix";

/** PostgreSQL cuts longer identifiers off silently, which could make two names one. */
const NAME_LENGTH_MAX = 63;

/** Subscription by which a standby of `application` follows; also how its walsender is named. */
export function subscriptionName(application: string): string {
  return clusterName(`cloudphoenix_${application}`);
}

/** Slot at the active site from which `follower` reads. Slots are shared by the whole cluster. */
export function slotName(application: string, follower: SiteId): string {
  return clusterName(`cloudphoenix_${application}_${follower}`);
}

/** Slots allow lower case letters, digits and underscores only. */
function clusterName(wanted: string): string {
  const plain = wanted.replaceAll("-", "_");
  const clean = plain.toLowerCase().replaceAll(/[^a-z0-9_]/g, "_");
  if (clean === plain && clean.length <= NAME_LENGTH_MAX) return clean;
  const digest = createHash("sha256").update(wanted).digest("hex").slice(0, 8);
  return `${clean.slice(0, NAME_LENGTH_MAX - digest.length - 1)}_${digest}`;
}
