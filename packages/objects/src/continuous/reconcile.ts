/**
 * One comparison of both listings, from the first key to the last.
 *
 * 1. It only notes names: what becomes of them is decided per name by asking both stores.
 * 2. It waits while too much is pending, so that memory stays bounded however much differs.
 * 3. Only one that returns was complete. One that throws has noted what it saw, and proves nothing.
 */
import { mergeListings } from "../merge-listings.ts";
import type { ObjectPlace } from "../object-place.ts";
import type { ObjectEntry } from "../object-store.ts";
import { CANARY_NAME } from "../own-names.ts";
import type { RetryPolicy } from "../retries.ts";
import type { Surroundings } from "../surroundings.ts";
import type { MissingObject } from "../tombstone-store.ts";

export interface ReconcileOptions {
  readonly source: ObjectPlace;
  readonly target: ObjectPlace;
  readonly surroundings: Surroundings;
  readonly retries: RetryPolicy;
  /** A name that the source has and the target may lack in this version; null: it lacks the name. */
  readonly differs: (name: string, source: ObjectEntry, target: ObjectEntry | null) => void;
  /** Names that only the target has; proven by a comparison that returns. */
  readonly onlyAtTarget: (missing: readonly MissingObject[]) => Promise<void>;
  readonly same: (name: string, source: ObjectEntry, target: ObjectEntry) => void;
  /** Whether more names may be noted now. */
  readonly hasRoom: () => boolean;
}

/** How long it waits for room before it looks again. */
const ROOM_WAIT_MS = 50;

export interface Reconciled {
  readonly sourceObjects: number;
  readonly targetObjects: number;
}

/** @throws {CloudPhoenixError} as `mergeListings` */
export async function reconcile(
  options: ReconcileOptions,
  signal: AbortSignal,
): Promise<Reconciled> {
  const { source, target, surroundings, retries } = options;
  let sourceObjects = 0;
  let targetObjects = 0;
  const merging = { surroundings, retries, signal, withCanary: true };
  for await (const pairs of mergeListings(source, target, merging)) {
    const missing: MissingObject[] = [];
    for (const { kind, name, source: there, target: here } of pairs) {
      if (name === CANARY_NAME) {
        // Ours: brought over, and nothing that counts; it is never deleted.
        if (kind !== "same" && there !== null) options.differs(name, there, here);
        continue;
      }
      if (there !== null) sourceObjects += 1;
      if (here !== null) targetObjects += 1;
      if (kind === "same") options.same(name, there, here);
      else if (there === null) missing.push({ name, targetEtag: here.etag });
      else options.differs(name, there, here);
    }
    if (missing.length > 0) await options.onlyAtTarget(missing);
    while (!options.hasRoom()) await surroundings.clock.sleep(ROOM_WAIT_MS, signal);
  }
  return { sourceObjects, targetObjects };
}
