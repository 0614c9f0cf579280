/**
 * How much of CloudPhoenix is in the database: all of this release, an older release of it, nothing.
 *
 * Statements name what they read, so each level has a statement of its own. A level is left
 * downwards when something is missing, and upwards when the answer says that there is more.
 */
import { isMissingObject } from "@cloudphoenix/chassis";

/** `leased`: site and writer lease. `managed`: the site only. `unmanaged`: neither. */
export type SchemaLevel = "leased" | "managed" | "unmanaged";

/** Column of every statement: whether the database has more than its level reads. */
export const OUTGROWN: Readonly<Record<SchemaLevel, string>> = {
  leased: "false as outgrown",
  // `to_reg…` looks without raising, so a database without it logs no errors.
  managed: "to_regprocedure('cloudphoenix.lease_remaining_ms()') is not null as outgrown",
  unmanaged: "to_regclass('cloudphoenix.site') is not null as outgrown",
};

/** The level to try after `error`; null if the error says nothing about the level. */
export function levelBelow(level: SchemaLevel, error: unknown): SchemaLevel | null {
  if (level === "unmanaged" || !isMissingObject(error)) return null;
  return level === "leased" ? "managed" : "unmanaged";
}

/** The level to try once `level` is outgrown. */
export function levelAbove(level: SchemaLevel): SchemaLevel {
  return level === "unmanaged" ? "managed" : "leased";
}
