/**
 * Brings one name at the target to what the source has now, whatever a hint said of it.
 *
 * 1. The source is asked first; what it answers then is what is copied. A hint that came late, twice
 *    or out of order therefore changes nothing.
 * 2. At the target only four things are replaced: nothing, a copy of ours that still has the bytes
 *    of that copy, what `mayReplace` knows to have been copied the other way before, and what was seen
 *    at both sides. All else is somebody's data: it stays, and the key fails with `CONFLICT`.
 * 3. Nothing is deleted here.
 */
import { CloudPhoenixError } from "@cloudphoenix/core";
import { compareVersions } from "../compare-versions.ts";
import { copyObject } from "../copy-object.ts";
import { type CopyTools, call } from "../copy-tools.ts";
import { addressOf, type ObjectPlace } from "../object-place.ts";
import type { ObjectEntry, ObjectFacts } from "../object-store.ts";
import { CANARY_NAME } from "../own-names.ts";
import { throwIfAborted } from "../retries.ts";
import { isOwnCopy } from "../stamp.ts";
import type { UploadRecord } from "../upload-journal.ts";
import type { CopiedNotes } from "./copied-notes.ts";
import { isInParts } from "./in-parts.ts";

export type KeyOutcome =
  | { readonly kind: "copied"; readonly sizeBytes: number }
  | { readonly kind: "inSync" }
  /** Not at the source (any more): what is at the target is left to comparisons. */
  | { readonly kind: "gone" }
  /** Deleted at the target after it had been copied (`wasCopied`), and not brought back. */
  | { readonly kind: "deletedThere" };

export interface KeyMoverOptions {
  readonly source: ObjectPlace;
  readonly target: ObjectPlace;
  readonly tools: CopyTools;
  /** Whether an object at the target that is no copy of ours is known to have been at the source. */
  readonly mayReplace: (target: ObjectEntry) => boolean;
  /**
   * Whether an object of the source is known to have been at the target: if it is not there now, somebody deleted it
   * there. Absent: of none, so that whatever the target lacks is brought.
   */
  readonly wasCopied?: (source: ObjectEntry) => boolean;
  /** Told of versions that are at both sides now. */
  readonly notes?: Pick<CopiedNotes, "copied" | "same">;
}

/** Pairs of versions that are remembered, so that neither a hint nor a listing costs anything again. */
const PROVEN_MAX = 50_000;
/** Objects in parts that are remembered because both sides had them; one that is not is left alone. */
const SEEN_MAX = 50_000;

/** Two versions that hold the same content. */
interface ProvenPair {
  readonly sourceEtag: string;
  readonly targetEtag: string;
}

export class KeyMover {
  readonly #options: KeyMoverOptions;
  readonly #proven = new Map<string, ProvenPair>();
  /** ETags at the target of what both sides had when they were looked at, by name. */
  readonly #seen = new Map<string, string>();

  constructor(options: KeyMoverOptions) {
    this.#options = options;
  }

  /**
   * `atTarget`: something was seen there, so it is asked before anything is read.
   * @throws {CloudPhoenixError} `CONFLICT` (final), and as `copyObject`
   */
  async bring(name: string, signal: AbortSignal, atTarget = false): Promise<KeyOutcome> {
    const source = await this.#head(this.#options.source, name, signal);
    if (source === null) return this.#gone(name);
    const proven = this.#proven.get(name);
    if (proven?.sourceEtag === source.etag) return { kind: "inSync" };
    const isNew = proven === undefined && !atTarget && !this.#wasCopied(source);
    if (isNew && !this.#isLarge(source)) {
      const outcome = await this.#copyNew(name, source, signal);
      if (outcome !== "occupied") return outcome;
    }
    return this.#copyOver(name, source, signal);
  }

  /** Most hints are about new objects: these need no question to the target. */
  async #copyNew(
    name: string,
    source: ObjectFacts,
    signal: AbortSignal,
  ): Promise<KeyOutcome | "occupied"> {
    try {
      return await this.#copy(name, source, null, signal);
    } catch (error) {
      if (isForeign(error)) return "occupied";
      throw error;
    }
  }

  async #copyOver(name: string, source: ObjectFacts, signal: AbortSignal): Promise<KeyOutcome> {
    const target = await this.#head(this.#options.target, name, signal);
    if (target !== null) {
      if (compareVersions(known(source), known(target)) === "same") {
        this.#remember(name, { sourceEtag: source.etag, targetEtag: target.etag });
        this.#options.notes?.copied(name, source);
        this.sawAtBoth(name, source, target);
        return { kind: "inSync" };
      }
      if (!this.mayReplace(name, target)) throw this.#conflict(name);
    } else if (this.#wasCopied(source)) {
      return { kind: "deletedThere" };
    }
    try {
      return await this.#copy(name, source, target, signal);
    } catch (error) {
      if (!isForeign(error)) throw error;
      // Somebody wrote it between the question and the write.
      await this.#endUpload(name, source, signal);
      throw this.#conflict(name, error);
    }
  }

  /** What is remembered of `name` proves nothing any more. */
  forget(name: string): void {
    this.#proven.delete(name);
  }

  /** Whether exactly these versions were seen to hold the same content, whatever listings tell of them. */
  isProven(name: string, { sourceEtag, targetEtag }: ProvenPair): boolean {
    const proven = this.#proven.get(name);
    return proven?.sourceEtag === sourceEtag && proven.targetEtag === targetEtag;
  }

  /** Whether what is at the target may give way to what the source has, or to nothing. */
  mayReplace(name: string, target: ObjectFacts): boolean {
    if (name === CANARY_NAME || this.#options.mayReplace(target)) return true;
    return isOwnCopy(target) || this.#seen.get(name) === target.etag;
  }

  /** Both sides have the same. Only remembered if no time could tell (`isInParts`). */
  sawAtBoth(name: string, source: ObjectEntry, target: ObjectEntry): void {
    this.#options.notes?.same(name, source, target);
    if (!isInParts(target)) return;
    keepNewest(this.#seen, { name, value: target.etag, most: SEEN_MAX });
  }

  async #copy(
    name: string,
    source: ObjectFacts,
    target: ObjectFacts | null,
    signal: AbortSignal,
  ): Promise<KeyOutcome> {
    const targetKey = this.#options.target.prefix + name;
    const request = { sourceKey: source.key, targetKey, source, target };
    const outcome = await copyObject(request, this.#options.tools, signal);
    if (outcome.kind === "gone") return this.#gone(name);
    if (outcome.kind === "alreadyThere") {
      await this.#endUpload(name, source, signal);
      return { kind: "inSync" };
    }
    this.#remember(name, outcome);
    // It may have become another one while it was read.
    if (outcome.sourceEtag === source.etag) this.#options.notes?.copied(name, source);
    return { kind: "copied", sizeBytes: outcome.sizeBytes };
  }

  #wasCopied(source: ObjectFacts): boolean {
    return this.#options.wasCopied?.(source) ?? false;
  }

  #isLarge({ sizeBytes }: ObjectFacts): boolean {
    return sizeBytes > this.#options.tools.sizes.wholeMaxBytes;
  }

  /** An upload in parts that leads nowhere would stay open for good. */
  async #endUpload(name: string, source: ObjectFacts, signal: AbortSignal): Promise<void> {
    if (!this.#isLarge(source)) return;
    const { target, tools } = this.#options;
    const unfinished = await tools.journal.find(target.prefix + name);
    if (unfinished === null) return;
    await this.#end(unfinished.record, signal);
  }

  /**
   * Ends uploads in parts, whoever began them, of versions that the source does not have any more: nobody would go on
   * with them. One that cannot be ended keeps no other from it.
   * @throws {CloudPhoenixError} what a store said first, after all were tried; `ABORTED`
   */
  async endLeftUploads(signal: AbortSignal): Promise<void> {
    const { source, target, tools } = this.#options;
    const failures: unknown[] = [];
    for (const record of await tools.journal.all()) {
      if (!record.key.startsWith(target.prefix)) continue;
      const name = record.key.slice(target.prefix.length);
      try {
        const now = await this.#head(source, name, signal);
        if (now?.etag !== record.sourceEtag) await this.#end(record, signal);
      } catch (error) {
        throwIfAborted(signal);
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  async #end({ key, upload }: UploadRecord, signal: AbortSignal): Promise<void> {
    const { target, tools } = this.#options;
    await call(tools, signal, (limited) => target.store.abortUpload(upload, limited));
    // A copy that is under way may have begun another one.
    const journaled = await tools.journal.find(key);
    if (journaled?.record.upload.token === upload.token) await tools.journal.forget(key);
  }

  #gone(name: string): KeyOutcome {
    this.forget(name);
    return { kind: "gone" };
  }

  #head(place: ObjectPlace, name: string, signal: AbortSignal): Promise<ObjectFacts | null> {
    const { tools } = this.#options;
    return call(tools, signal, (limited) => place.store.head(place.prefix + name, limited));
  }

  #remember(name: string, { sourceEtag, targetEtag }: ProvenPair): void {
    const value = { sourceEtag, targetEtag };
    keepNewest(this.#proven, { name, value, most: PROVEN_MAX });
  }

  #conflict(name: string, cause?: unknown): CloudPhoenixError {
    return conflictAt(addressOf(this.#options.target, name), cause);
  }
}

/** Somebody else's object is in the way at `address`. */
export function conflictAt(address: string, cause?: unknown): CloudPhoenixError {
  const message = `${address} is not a copy of what the active site has, or had; it was left as it is`;
  return new CloudPhoenixError("CONFLICT", message, {
    retryable: false,
    hint: "Keep it under another name or delete it there; then it is copied by itself.",
    cause,
  });
}

/** Sets it as the newest; the oldest goes if there are more than `most`. */
function keepNewest<T>(
  kept: Map<string, T>,
  { name, value, most }: { readonly name: string; readonly value: T; readonly most: number },
): void {
  kept.delete(name);
  kept.set(name, value);
  if (kept.size <= most) return;
  const [oldest] = kept.keys();
  if (oldest !== undefined) kept.delete(oldest);
}

function known(entry: ObjectEntry): { entry: ObjectEntry; fullyKnown: boolean } {
  return { entry, fullyKnown: true };
}

function isForeign(error: unknown): boolean {
  return error instanceof CloudPhoenixError && error.code === "OBJECT_CHANGED" && !error.retryable;
}
