/**
 * Deletes at the target what has been gone from the source for long enough. The most dangerous thing
 * this package does, so it needs every one of these:
 *
 * 1. Two complete listings of both sides, at least `delayMs` apart, both without the object at the source.
 * 2. A source that is not empty where it was not empty before.
 * 3. No object that failed to be copied in this run: a rename whose copy failed must not lose the old name.
 * 4. The source, asked by name, still does not have it; the target still has the version that was listed.
 * 5. A stamp: a copy of ours put it there, under this key, and it still has those bytes (unless asked otherwise).
 * 6. No more of them than the limit, count and share of the target; over it none is deleted.
 * 7. A delete that is conditional on the target's version.
 *
 * One object that cannot be deleted (a legal hold, no right to it) keeps no other from being deleted.
 */
import { CloudPhoenixError, hasCode } from "@cloudphoenix/core";
import { type CopyTools, call } from "./copy-tools.ts";
import { Lane } from "./lane.ts";
import type { ObjectPlace } from "./object-place.ts";
import type { ObjectFacts } from "./object-store.ts";
import { throwIfAborted } from "./retries.ts";
import { isOwnCopy } from "./stamp.ts";
import type { Tombstone, TombstoneStore } from "./tombstone-store.ts";

export interface DeleteRules {
  /** How long an object must have been missing; 0 trusts one complete listing and the question by name. */
  readonly delayMs: number;
  /** Over either of the two nothing is deleted. */
  readonly maxCount: number;
  /** Of the objects at the target, 0 to 100. */
  readonly maxPercent: number;
  /** Keep what is no copy of ours (any more): see `isOwnCopy`. */
  readonly onlyStamped: boolean;
  /** Believe a source that is empty where it was not. */
  readonly allowEmptySource: boolean;
}

/**
 * A quarter of an hour rides out a listing that lags and a person who undoes a mistake; a tenth of
 * the target is more than housekeeping deletes between two runs.
 */
export const DEFAULT_DELETE_RULES: DeleteRules = Object.freeze({
  delayMs: 15 * 60_000,
  maxCount: 10_000,
  maxPercent: 10,
  onlyStamped: true,
  allowEmptySource: false,
});

export interface DeleteRequest {
  readonly source: ObjectPlace;
  readonly target: ObjectPlace;
  readonly tombstones: TombstoneStore;
  readonly rules: DeleteRules;
  /** Missing since then or earlier is due; epoch ms. */
  readonly sinceMs: number;
  /** At the target, as the complete listing counted them. */
  readonly targetObjects: number;
  readonly onDeleted: (name: string) => void;
  /** Names it answers false for are left alone. Default: none. */
  readonly includes?: ((name: string) => boolean) | undefined;
  /** Told of an object that a store refuses to tell of or to delete. Absent: that ends everything. */
  readonly onFailed?: (name: string, error: CloudPhoenixError) => void;
  /** Whose objects may be deleted, in place of the rule about stamps. */
  readonly mayDelete?: (name: string, target: ObjectFacts) => boolean;
  /** What is kept this time, and looked at again the next. */
  readonly holdsBack?: (tombstone: Tombstone, target: ObjectFacts) => boolean;
  /** Told of objects that may not. */
  readonly onForeign?: (name: string) => void;
  /** Asked before every delete; what it throws ends them all. */
  readonly authority?: (signal: AbortSignal) => Promise<void>;
}

export interface DeleteCounts {
  readonly due: number;
  readonly deleted: number;
  readonly foreign: number;
  readonly reprieved: number;
  /** Not deleted, because a store refuses. */
  readonly failed: number;
}

const PAGE = 500;
const AT_ONCE = 16;

/**
 * Looks at everything that is due, then deletes it.
 * @throws {CloudPhoenixError} `DELETES_REFUSED` (over the limit; nothing was deleted), and what the stores throw
 */
export async function deleteMissing(
  request: DeleteRequest,
  tools: CopyTools,
  signal: AbortSignal,
): Promise<DeleteCounts> {
  const limit = limitOf(request);
  const found = await confirmed(request, tools, signal);
  if (found.toDelete.length > limit) throw overTheLimit(request, found.toDelete.length, limit);
  const { due, foreign, failed, reprieved } = found;
  const counts = { due, foreign, failed, reprieved, deleted: 0 };
  await inParallel(found.toDelete, tools, signal, async (tombstone) => {
    const { name } = tombstone;
    await request.authority?.(signal);
    const work = deleteOne(tombstone, request, tools, signal);
    const isDeleted = await unlessRefused(work, name, request);
    if (isDeleted === null) {
      counts.failed += 1;
      return;
    }
    await request.tombstones.forget([name]);
    if (!isDeleted) counts.reprieved += 1;
    else {
      counts.deleted += 1;
      request.onDeleted(name);
    }
  });
  return counts;
}

/** How many deletes the rules allow in one run. */
function limitOf({ rules, targetObjects }: Pick<DeleteRequest, "rules" | "targetObjects">): number {
  return Math.min(rules.maxCount, Math.floor((targetObjects * rules.maxPercent) / 100));
}

/** Null if a store refused what it was asked of this one object, which is told. */
async function unlessRefused<T>(
  work: Promise<T>,
  name: string,
  { onFailed }: DeleteRequest,
): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    const isRefused = hasCode(error, "OBJECT_REFUSED") || hasCode(error, "OBJECT_STORE_DENIED");
    if (!(isRefused && error instanceof CloudPhoenixError) || onFailed === undefined) throw error;
    onFailed(name, error);
    return null;
  }
}

interface Confirmed extends Omit<DeleteCounts, "deleted"> {
  readonly toDelete: readonly Tombstone[];
}

/** Asks both sides by name. Stops as soon as there is more than may be deleted. */
async function confirmed(
  request: DeleteRequest,
  tools: CopyTools,
  signal: AbortSignal,
): Promise<Confirmed> {
  const limit = limitOf(request);
  const toDelete: Tombstone[] = [];
  const counts = { due: 0, foreign: 0, reprieved: 0, failed: 0 };
  let after: string | null = null;
  for (;;) {
    const page = await request.tombstones.due(request.sinceMs, { after, limit: PAGE });
    const included = page.filter(({ name }) => request.includes?.(name) ?? true);
    const spared: string[] = [];
    counts.due += included.length;
    await inParallel(included, tools, signal, async (tombstone) => {
      const { name } = tombstone;
      const work = judge(tombstone, request, tools, signal);
      const verdict = await unlessRefused(work, name, request);
      if (verdict === "delete") toDelete.push(tombstone);
      else if (verdict === null) counts.failed += 1;
      else if (verdict === "hold") return;
      else if (verdict === "foreign") {
        counts.foreign += 1;
        request.onForeign?.(name);
      } else {
        counts.reprieved += 1;
        spared.push(name);
      }
    });
    await request.tombstones.forget(spared);
    after = page.at(-1)?.name ?? null;
    if (page.length < PAGE || toDelete.length > limit) return { toDelete, ...counts };
  }
}

async function judge(
  tombstone: Tombstone,
  { source, target, rules, mayDelete, holdsBack }: DeleteRequest,
  tools: CopyTools,
  signal: AbortSignal,
): Promise<"delete" | "foreign" | "hold" | "reprieve"> {
  const { name, targetEtag } = tombstone;
  const atTarget = await call(tools, signal, (limited) =>
    target.store.head(target.prefix + name, limited),
  );
  if (atTarget?.etag !== targetEtag) return "reprieve";
  const isOurs = mayDelete?.(name, atTarget) ?? (!rules.onlyStamped || isOwnCopy(atTarget));
  if (!isOurs) return "foreign";
  if (holdsBack?.(tombstone, atTarget) ?? false) return "hold";
  return (await isHeld(source, name, tools, signal)) ? "reprieve" : "delete";
}

/** Whether the place has an object of that name. A name that its store cannot hold is not there. */
async function isHeld(
  { store, prefix }: ObjectPlace,
  name: string,
  tools: CopyTools,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return (await call(tools, signal, (limited) => store.head(prefix + name, limited))) !== null;
  } catch (error) {
    if (hasCode(error, "OBJECT_NAME_REFUSED")) return false;
    throw error;
  }
}

/** False if the source has it again, or the target had another version by then. */
async function deleteOne(
  { name, targetEtag: etag }: Tombstone,
  { source, target }: DeleteRequest,
  tools: CopyTools,
  signal: AbortSignal,
): Promise<boolean> {
  // All of them were judged before the first is deleted, which may be a while ago.
  if (await isHeld(source, name, tools, signal)) return false;
  try {
    await call(tools, signal, (limited) =>
      target.store.delete(target.prefix + name, { kind: "unchanged", etag }, limited),
    );
    return true;
  } catch (error) {
    if (hasCode(error, "OBJECT_CHANGED")) return false;
    throw error;
  }
}

/** Works on all items, some at once; throws the first failure when nothing is under way any more. */
async function inParallel<T>(
  items: readonly T[],
  tools: CopyTools,
  signal: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const { clock } = tools.surroundings;
  const lane = new Lane({ most: AT_ONCE, waitingMost: AT_ONCE, clock });
  const failures: unknown[] = [];
  for (const item of items) {
    if (failures.length > 0 || signal.aborted) break;
    await lane.add(() => work(item).catch((error: unknown) => void failures.push(error)));
  }
  await lane.drained();
  throwIfAborted(signal);
  if (failures.length > 0) throw failures[0];
}

function overTheLimit(
  { rules, targetObjects }: DeleteRequest,
  found: number,
  limit: number,
): CloudPhoenixError {
  const message =
    `more than ${limit} of ${targetObjects} objects would be deleted (at least ${found}); ` +
    `allowed are ${rules.maxCount} and ${rules.maxPercent} %. Nothing was deleted`;
  return new CloudPhoenixError("DELETES_REFUSED", message, {
    retryable: false,
    hint: "Find out why so much is gone from the source; if that is right, run it again with a higher --max-delete.",
  });
}
