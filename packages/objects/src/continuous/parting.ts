/**
 * What a site that is now the standby held when it was last the source: objects it stored itself until
 * then are known to have been copied, so what the present source has instead may replace them.
 * Whatever is newer there, or is known not to have been copied, may exist nowhere else, and is left alone.
 * So is what its store got in parts: its time tells nothing (`isInParts`). A version that is known by itself to have been
 * copied (`CopiedVersions`) gives way whatever its time.
 */
import type { Json, SiteId } from "@cloudphoenix/core";
import { type CopiedVersions, modifiedSecond } from "../copied-versions.ts";
import type { ObjectPlace } from "../object-place.ts";
import type { ObjectEntry } from "../object-store.ts";
import { type CopiedMark, copierMemoryIn } from "./copier-memory.ts";
import { isInParts } from "./in-parts.ts";
import { STORE_TIME_MARGIN_MS, storeAheadMs } from "./source-time.ts";

/** Where what is known of the copies is kept. @throws {CloudPhoenixError} `STATE_UNAVAILABLE` */
export interface KnownFacts {
  get(key: string): Promise<Json>;
  put(key: string, value: Json): Promise<void>;
}

/** Key of the fact that holds the parting of `site`: a `CopiedMark` by the clock of the site's own store. */
function objectPartingKey(application: string, site: SiteId): string {
  return `objects-parting:${application}:${site}`;
}

/** Key of the fact with what the follower of `site` knew last: a `CopierMemory`. */
export function copierMemoryKey(application: string, site: SiteId): string {
  return `objects-copier:${application}:${site}`;
}

export interface PartingParts<Facts = KnownFacts> {
  readonly application: string;
  readonly facts: Facts;
  readonly copiedVersions: Pick<CopiedVersions, "of">;
  /** The site that was left: once the source. */
  readonly site: SiteId;
  /** Where it was copied to. */
  readonly followedBy: SiteId;
  readonly place: ObjectPlace;
}

type Reading = PartingParts<Pick<KnownFacts, "get">>;

const NEVER_COPIED: CopiedMark = { untilMs: -Infinity, except: [] };

/**
 * Which objects of `site` may give way, brought up to date with how far `followedBy` had come; none if it
 * was never copied from. Call it before anything is written there.
 * @throws {CloudPhoenixError} as `KnownFacts` and `ObjectStore.head`
 */
export async function partingOf(
  parts: PartingParts,
  signal: AbortSignal,
): Promise<(target: ObjectEntry) => boolean> {
  return coveredBy(await noteParting(parts, await copiedFrom(parts), signal), parts);
}

/**
 * Which objects of `site` are known to have been copied, as `partingOf` tells, and nothing is noted.
 * @throws {CloudPhoenixError} as `partingOf`
 */
export async function readParting(
  parts: Reading,
  signal: AbortSignal,
): Promise<(stored: ObjectEntry) => boolean> {
  const { parting } = await newestParting(parts, await copiedFrom(parts), signal);
  return coveredBy(parting, parts);
}

/**
 * Notes that everything `site` stored until the mark (by the clock of whoever wrote its canary) is
 * copied, but for its exceptions. The latest mark counts; an earlier one adds its exceptions only.
 */
export async function noteParting(
  parts: Omit<PartingParts, "copiedVersions">,
  copied: CopiedMark | null,
  signal: AbortSignal,
): Promise<CopiedMark> {
  const { application, facts, site } = parts;
  const { parting, isNoted } = await newestParting(parts, copied, signal);
  if (isNoted) return parting;
  const { untilMs, except } = parting;
  await facts.put(objectPartingKey(application, site), { untilMs, except: [...except] });
  return parting;
}

/** How far `followedBy` knew last that it had copied `site`; null if it did not. */
async function copiedFrom({
  application,
  facts,
  site,
  followedBy,
}: Omit<Reading, "copiedVersions">): Promise<CopiedMark | null> {
  const memory = copierMemoryIn(await facts.get(copierMemoryKey(application, followedBy)));
  return memory?.facts.from === site ? memory.copied : null;
}

async function newestParting(
  { application, facts, site, place }: Omit<Reading, "copiedVersions">,
  copied: CopiedMark | null,
  signal: AbortSignal,
): Promise<{ readonly parting: CopiedMark; readonly isNoted: boolean }> {
  const known = partingIn(await facts.get(objectPartingKey(application, site)));
  const aheadMs = copied === null ? null : await storeAheadMs(place, site, signal);
  if (copied === null || aheadMs === null) return { parting: known, isNoted: true };
  const untilMs = copied.untilMs + aheadMs - STORE_TIME_MARGIN_MS;
  const parting =
    untilMs >= known.untilMs
      ? { untilMs, except: copied.except }
      : { ...known, except: [...new Set([...known.except, ...copied.except])] };
  return { parting, isNoted: false };
}

async function coveredBy(
  { untilMs, except }: CopiedMark,
  { site, place: { prefix }, copiedVersions }: Reading,
): Promise<(stored: ObjectEntry) => boolean> {
  const kept = new Set(except.map((name) => prefix + name));
  const versions = await copiedVersions.of(site);
  const copied = new Map(versions.map((version) => [prefix + version.name, version]));
  return (stored) => {
    const version = copied.get(stored.key);
    if (version?.etag === stored.etag && version.modifiedS === modifiedSecond(stored)) return true;
    return stored.modifiedMs <= untilMs && !kept.has(stored.key) && !isInParts(stored);
  };
}

function partingIn(stored: Json): CopiedMark {
  if (typeof stored !== "object" || stored === null || !("untilMs" in stored)) return NEVER_COPIED;
  if (!("except" in stored)) return NEVER_COPIED;
  const { untilMs, except } = stored;
  if (typeof untilMs !== "number" || !Array.isArray(except)) return NEVER_COPIED;
  return { untilMs, except: except.filter((name) => typeof name === "string") };
}
