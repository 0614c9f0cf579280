/**
 * Versions at one site that are known to have been at another: what may give way, or stay deleted, once the
 * other site has become the active one, although no mark of time covers it (`parting.ts`).
 *
 * Owns: the words. It is a memory that may forget: what it does not know is kept at both sites and needs a person.
 * What it knows must be true, so a version is one only if name, ETag and time of the store are the same: an object
 * that is stored anew with the same bytes is another one.
 */
import type { ObjectEntry } from "./object-store.ts";

export interface CopiedObject {
  /** Without the prefix. */
  readonly name: string;
  readonly etag: string;
  /** Whole seconds by the store's clock: not every answer of a store tells more. */
  readonly modifiedS: number;
  /** No mark of time will ever cover it (`isInParts`). */
  readonly inParts: boolean;
}

/** The newest that are handed out; more are forgotten when it is tidied up. */
export const COPIED_MAX: number = 100_000;

/** Errors of every call: `STATE_UNAVAILABLE`. */
export interface CopiedVersions {
  /** Of one name, the newest note counts. Instants are those of `CopierMemory`. */
  note(site: string, versions: readonly CopiedObject[], atMs: number): Promise<void>;
  /** They are not at the other site any more, because they were not here. */
  forget(site: string, names: readonly string[]): Promise<void>;
  /** The newest, at most `COPIED_MAX`. */
  of(site: string): Promise<readonly CopiedObject[]>;
  /** Forgets what a mark of time covers (noted before `beforeMs`, not in parts), and the oldest of too many. */
  tidy(site: string, beforeMs: number): Promise<void>;
}

/** The time of `entry` as `CopiedObject` has it. */
export function modifiedSecond({ modifiedMs }: Pick<ObjectEntry, "modifiedMs">): number {
  return Math.floor(modifiedMs / 1_000);
}
