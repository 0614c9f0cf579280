/**
 * Copies one object from store to store, or finds that there is nothing to do.
 *
 * 1. What is stored is one version of the source, whole: the version is pinned by its etag for every
 *    read, what was read is hashed, and the target's store checks the hash of what it takes.
 * 2. Nothing is overwritten that was not seen before: the write is conditional on what the listing
 *    (or `head`) showed. Whatever somebody else wrote there meanwhile stays, and the copy fails.
 * 3. A source that changes meanwhile is begun anew, a bounded number of times.
 * 4. Doing it again is safe, also by two processes at once: the second finds it done.
 */
import { CloudPhoenixError } from "@cloudphoenix/core";
import { compareVersions, sideOf } from "./compare-versions.ts";
import { copyParts } from "./copy-parts.ts";
import { type CopyTools, call } from "./copy-tools.ts";
import { copyWhole } from "./copy-whole.ts";
import type { ObjectEntry, ObjectFacts } from "./object-store.ts";
import { isOwnCopy } from "./stamp.ts";

export interface CopyRequest {
  readonly sourceKey: string;
  readonly targetKey: string;
  /** What a listing or `head` showed; absent: the source is asked. */
  readonly source?: ObjectEntry;
  /** What a listing or `head` showed, null for nothing; absent: the target is asked. */
  readonly target?: ObjectEntry | null;
}

export type CopyOutcome =
  | {
      readonly kind: "copied";
      readonly sizeBytes: number;
      /** The version that was copied, and what it became. */
      readonly sourceEtag: string;
      readonly targetEtag: string;
      /** The source has tags and the target cannot keep any. */
      readonly tagsLost: boolean;
      /** Parts that an earlier attempt had stored and that were not sent again. */
      readonly partsKept: number;
    }
  /** The target holds this version already. */
  | { readonly kind: "alreadyThere" }
  /** The source was deleted meanwhile; nothing was written. */
  | { readonly kind: "gone" };

/** What one attempt to copy one version came to. */
export type CopyAttempt =
  | Extract<CopyOutcome, { kind: "copied" }>
  | { readonly kind: "sourceChanged" }
  | { readonly kind: "targetChanged" };

/** The two sides of one attempt, both as they were last seen. */
export interface SeenVersions {
  readonly source: ObjectEntry;
  readonly targetKey: string;
  readonly target: ObjectEntry | null;
}

/** What asking both sides takes. */
type LookingTools = Pick<CopyTools, "source" | "target" | "surroundings" | "retries" | "onRetry">;

/** How often a copy begins anew because a side changed, before it gives up until the next run. */
const CHANGES_MAX = 5;

/** The wait after a change is chance up to this, growing with each: whoever writes may not be done. */
const CHANGE_WAIT_MS = 250;

/**
 * @throws {CloudPhoenixError} `OBJECT_CHANGED` (the source kept changing, or somebody else wrote at the target),
 * `OBJECT_NAME_REFUSED`, `OBJECT_REFUSED`, `OBJECT_CORRUPT`, `OBJECT_STORE_UNREACHABLE`, `OBJECT_STORE_DENIED`, `ABORTED`
 */
export async function copyObject(
  request: CopyRequest,
  tools: CopyTools,
  signal: AbortSignal,
): Promise<CopyOutcome> {
  const { sourceKey, targetKey } = request;
  let source: ObjectEntry | null = request.source ?? (await sourceFacts(sourceKey, tools, signal));
  let target: ObjectEntry | null =
    request.target === undefined ? await targetFacts(targetKey, tools, signal) : request.target;
  for (let changes = 0; changes <= CHANGES_MAX; changes += 1) {
    if (source === null) return { kind: "gone" };
    const seen = await lookCloser({ source, targetKey, target }, tools, signal);
    if (seen === "same") return { kind: "alreadyThere" };
    const attempt = await copyVersion(seen, tools, signal);
    if (attempt.kind === "copied") return attempt;
    if (attempt.kind === "sourceChanged") {
      await pause(changes, tools, signal);
      source = await sourceFacts(sourceKey, tools, signal);
    } else {
      target = await targetFacts(targetKey, tools, signal);
      refuseForeign(seen, target);
      source = await sourceFacts(sourceKey, tools, signal);
    }
  }
  throw new CloudPhoenixError("OBJECT_CHANGED", `${sourceKey} changed ${CHANGES_MAX} times`, {
    retryable: true,
    hint: "Let the next run copy it; a whole version of it gets there when it rests for a moment.",
  });
}

/**
 * Fetches what the listing did not tell, if that decides whether both sides hold the same.
 * @throws {CloudPhoenixError} as `ObjectStore.head`
 */
export async function lookCloser(
  seen: SeenVersions,
  tools: LookingTools,
  signal: AbortSignal,
): Promise<SeenVersions | "same"> {
  if (seen.target === null) return seen;
  const atSource = sideOf(tools.source, seen.source);
  const atTarget = sideOf(tools.target, seen.target);
  const likeness = compareVersions(atSource, atTarget);
  if (likeness !== "unsure") return likeness === "same" ? "same" : seen;
  const [source, target] = await Promise.all([
    atSource.fullyKnown ? seen.source : sourceFacts(seen.source.key, tools, signal),
    atTarget.fullyKnown ? seen.target : targetFacts(seen.targetKey, tools, signal),
  ]);
  // What has changed meanwhile is noticed by the copy itself.
  if (source?.etag !== seen.source.etag || target?.etag !== seen.target.etag) return seen;
  const closer = compareVersions(sideOf(tools.source, source), sideOf(tools.target, target));
  return closer === "same" ? "same" : { ...seen, source, target };
}

async function copyVersion(
  seen: SeenVersions,
  tools: CopyTools,
  signal: AbortSignal,
): Promise<CopyAttempt> {
  const byTarget = await tools.serverSide?.copy(seen, tools, signal);
  if (byTarget != null) return byTarget;
  const wholeMaxBytes = Math.min(
    tools.sizes.wholeMaxBytes,
    tools.target.capabilities.singleWriteMaxBytes,
  );
  return seen.source.sizeBytes <= wholeMaxBytes
    ? copyWhole(seen, tools, signal)
    : copyParts(seen, tools, signal);
}

/**
 * What appeared at the target meanwhile is ours to replace only if a copy left it and nobody wrote over that.
 * @throws {CloudPhoenixError} `OBJECT_CHANGED`
 */
function refuseForeign(seen: SeenVersions, now: ObjectEntry | null): void {
  if (now === null || now.etag === seen.target?.etag || isOwnCopy(now)) return;
  const message = `somebody else wrote ${seen.targetKey} at the target meanwhile; it was left as it is`;
  throw new CloudPhoenixError("OBJECT_CHANGED", message, {
    retryable: false,
    hint: "Find out who writes there; run it again if the source shall win.",
  });
}

async function pause(changes: number, tools: CopyTools, signal: AbortSignal): Promise<void> {
  const { clock, random } = tools.surroundings;
  await clock.sleep(random.next() * CHANGE_WAIT_MS * (changes + 1), signal);
}

function sourceFacts(
  key: string,
  tools: LookingTools,
  signal: AbortSignal,
): Promise<ObjectFacts | null> {
  return call(tools, signal, (limited) => tools.source.head(key, limited));
}

function targetFacts(
  key: string,
  tools: LookingTools,
  signal: AbortSignal,
): Promise<ObjectFacts | null> {
  return call(tools, signal, (limited) => tools.target.head(key, limited));
}
