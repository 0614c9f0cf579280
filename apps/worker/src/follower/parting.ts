/**
 * What a site that is now the standby held when it was last the source: objects it stored itself until
 * then are known to have been copied, so what the present source has instead may replace them.
 * Whatever is newer there may exist nowhere else, and is left alone.
 */
import type { Json, SiteId } from "@cloudphoenix/core";
import type { FactStore } from "@cloudphoenix/engine";
import {
  type ObjectPlace,
  objectReplicationIn,
  objectReplicationKey,
  readCanary,
} from "@cloudphoenix/objects";

/** Stores tell times in whole seconds. */
const MARGIN_MS = 2_000;

/** Key of the fact that holds the parting of `site`: `untilMs`, by the clock of the site's own store. */
function objectPartingKey(application: string, site: SiteId): string {
  return `objects-parting:${application}:${site}`;
}

export interface PartingParts {
  readonly application: string;
  readonly facts: FactStore;
  /** The site that was left: once the source. */
  readonly site: SiteId;
  /** Where it was copied to. */
  readonly followedBy: SiteId;
  readonly place: ObjectPlace;
}

/**
 * The parting of `site`, brought up to date with how far `followedBy` had come; `-Infinity` if it
 * was never copied from. Call it before anything is written there.
 * @throws {CloudPhoenixError} as `FactStore` and `ObjectStore.head`
 */
export async function partingOf(parts: PartingParts, signal: AbortSignal): Promise<number> {
  const { application, facts, site, followedBy } = parts;
  const followed = objectReplicationIn(
    await facts.get(objectReplicationKey(application, followedBy)),
  );
  const markMs = followed?.from === site ? followed.markMs : null;
  return noteParting(parts, markMs, signal);
}

/**
 * Notes that everything `site` stored until `markMs` (by the clock of whoever wrote its canary) is
 * copied. Never takes anything back.
 */
export async function noteParting(
  { application, facts, site, place }: PartingParts,
  markMs: number | null,
  signal: AbortSignal,
): Promise<number> {
  const key = objectPartingKey(application, site);
  const knownMs = partingIn(await facts.get(key));
  const aheadMs = markMs === null ? null : await storeAhead(place, site, signal);
  if (markMs === null || aheadMs === null) return knownMs;
  const untilMs = Math.max(knownMs, markMs + aheadMs - MARGIN_MS);
  if (untilMs > knownMs) await facts.put(key, { untilMs });
  return untilMs;
}

/** How far the store's clock is ahead of the clock that dated its canary; null if it has none of its own. */
async function storeAhead(
  place: ObjectPlace,
  site: SiteId,
  signal: AbortSignal,
): Promise<number | null> {
  const canary = await readCanary(place, signal);
  return canary?.site === site ? canary.storedMs - canary.writtenMs : null;
}

function partingIn(stored: Json): number {
  if (typeof stored !== "object" || stored === null || !("untilMs" in stored)) return -Infinity;
  const { untilMs } = stored;
  return typeof untilMs === "number" ? untilMs : -Infinity;
}
