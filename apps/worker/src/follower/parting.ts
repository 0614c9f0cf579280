/**
 * What a site that is now the standby held when it was last the source: objects it stored itself until
 * then are known to have been copied, so what the present source has instead may replace them.
 * Whatever is newer there, or is known not to have been copied, may exist nowhere else, and is left alone.
 */
import type { Json, SiteId } from "@cloudphoenix/core";
import type { FactStore } from "@cloudphoenix/engine";
import {
  type CopiedMark,
  copierMemoryIn,
  type ObjectEntry,
  type ObjectPlace,
  STORE_TIME_MARGIN_MS,
  storeAheadMs,
} from "@cloudphoenix/objects";

/** Key of the fact that holds the parting of `site`: a `CopiedMark` by the clock of the site's own store. */
function objectPartingKey(application: string, site: SiteId): string {
  return `objects-parting:${application}:${site}`;
}

/** Key of the fact with what the follower of `site` knew last: a `CopierMemory`. */
export function copierMemoryKey(application: string, site: SiteId): string {
  return `objects-copier:${application}:${site}`;
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

const NEVER_COPIED: CopiedMark = { untilMs: -Infinity, except: [] };

/**
 * Which objects of `site` may give way, brought up to date with how far `followedBy` had come; none if it
 * was never copied from. Call it before anything is written there.
 * @throws {CloudPhoenixError} as `FactStore` and `ObjectStore.head`
 */
export async function partingOf(
  parts: PartingParts,
  signal: AbortSignal,
): Promise<(target: ObjectEntry) => boolean> {
  const { application, facts, site, followedBy, place } = parts;
  const memory = copierMemoryIn(await facts.get(copierMemoryKey(application, followedBy)));
  const copied = memory?.facts.from === site ? memory.copied : null;
  const { untilMs, except } = await noteParting(parts, copied, signal);
  const kept = new Set(except.map((name) => place.prefix + name));
  return ({ key, modifiedMs }) => modifiedMs <= untilMs && !kept.has(key);
}

/**
 * Notes that everything `site` stored until the mark (by the clock of whoever wrote its canary) is
 * copied, but for its exceptions. The latest mark counts; an earlier one adds its exceptions only.
 */
export async function noteParting(
  { application, facts, site, place }: PartingParts,
  copied: CopiedMark | null,
  signal: AbortSignal,
): Promise<CopiedMark> {
  const key = objectPartingKey(application, site);
  const known = partingIn(await facts.get(key));
  const aheadMs = copied === null ? null : await storeAheadMs(place, site, signal);
  if (copied === null || aheadMs === null) return known;
  const untilMs = copied.untilMs + aheadMs - STORE_TIME_MARGIN_MS;
  const parting =
    untilMs >= known.untilMs
      ? { untilMs, except: copied.except }
      : { ...known, except: [...new Set([...known.except, ...copied.except])] };
  await facts.put(key, { untilMs: parting.untilMs, except: [...parting.except] });
  return parting;
}

function partingIn(stored: Json): CopiedMark {
  if (typeof stored !== "object" || stored === null || !("untilMs" in stored)) return NEVER_COPIED;
  if (!("except" in stored)) return NEVER_COPIED;
  const { untilMs, except } = stored;
  if (typeof untilMs !== "number" || !Array.isArray(except)) return NEVER_COPIED;
  return { untilMs, except: except.filter((name) => typeof name === "string") };
}
