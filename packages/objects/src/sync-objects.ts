/**
 * Makes the target hold what the source holds: one pass over both listings, copying on the way,
 * deleting at the end if that is asked for and safe.
 *
 * 1. Always answers with a summary; a defect is a failure with the code `INTERNAL`.
 * 2. Memory does not grow with the number of objects.
 * 3. Nothing is concluded from a listing that did not end: no delete, no tombstone, no upload ended.
 * 4. It can be stopped at any instant and begun again; what was stored is not copied again.
 */
import { CloudPhoenixError, hasCode, messageOf } from "@cloudphoenix/core";
import { BandwidthLimit } from "./bandwidth-limit.ts";
import { ByteBudget } from "./byte-budget.ts";
import { copyObject } from "./copy-object.ts";
import { type CopySizes, type CopyTools, call, DEFAULT_SIZES } from "./copy-tools.ts";
import { type DeleteRules, deleteMissing } from "./delete-missing.ts";
import { Lane } from "./lane.ts";
import { mergeListings, type Pair } from "./merge-listings.ts";
import type { ObjectPlace } from "./object-place.ts";
import { DEFAULT_RETRIES, type RetryPolicy } from "./retries.ts";
import { ServerSideCopy, type ServerSideOptions } from "./server-side-copy.ts";
import type { Surroundings } from "./surroundings.ts";
import {
  type DeleteSummary,
  failureOf,
  type SyncFailure,
  type SyncEvent,
  type SyncProgress,
  type SyncSummary,
} from "./sync-summary.ts";
import { SyncTally } from "./sync-tally.ts";
import type { MissingObject, TombstoneStore } from "./tombstone-store.ts";
import type { UploadJournal } from "./upload-journal.ts";

/** How much a sync may take for itself. */
export interface SyncLimits {
  /** Objects that go in one piece, at once. */
  readonly smallInFlight: number;
  /** Objects that go in parts, at once. */
  readonly largeInFlight: number;
  /** Bodies in memory, over everything that is copied. */
  readonly memoryBytes: number;
  /** Null is no limit. */
  readonly bytesPerSecond: number | null;
  readonly sizes: CopySizes;
}

/** 64 MiB of bodies keep eight parts of 8 MiB moving, whatever number of objects they belong to. */
export const DEFAULT_LIMITS: SyncLimits = Object.freeze({
  smallInFlight: 32,
  largeInFlight: 4,
  memoryBytes: 64 * 1024 * 1024,
  bytesPerSecond: null,
  sizes: DEFAULT_SIZES,
});

export interface SyncOptions {
  readonly source: ObjectPlace;
  readonly target: ObjectPlace;
  readonly surroundings: Surroundings;
  readonly journal: UploadJournal;
  readonly tombstones: TombstoneStore;
  readonly signal: AbortSignal;
  /** Absent: nothing is ever deleted. */
  readonly deletes?: DeleteRules;
  /** Only look, change nothing anywhere. */
  readonly dryRun?: boolean;
  /** See `nameFilter`; what it leaves out is neither copied nor deleted. */
  readonly includes?: (name: string) => boolean;
  readonly limits?: Partial<SyncLimits>;
  readonly retries?: RetryPolicy;
  /** Absent: every object is streamed. */
  readonly serverSide?: Omit<ServerSideOptions, "onGivenUp">;
  /** Told as things happen, with a way to ask how far everything is. */
  readonly onEvent?: (event: SyncEvent, progress: () => SyncProgress) => void;
}

/** Objects that may wait for their turn while the listings are read on. */
const WAITING_MOST = 500;

/** After so many objects in a row that no store takes or gives, the next ones would fail, too, unless both still list. */
const FAILURES_IN_A_ROW_MAX = 20;

/** Where they do: so many, and none that was ever copied, mean that rights are lacking altogether. */
const ONLY_FAILURES_MAX = 1_000;

export async function syncObjects(options: SyncOptions): Promise<SyncSummary> {
  return new SyncRun(options).run();
}

class SyncRun {
  readonly #options: SyncOptions;
  readonly #tools: CopyTools;
  readonly #serverSide: ServerSideCopy;
  readonly #tally: SyncTally;
  readonly #small: Lane;
  readonly #large: Lane;
  readonly #wholeMaxBytes: number;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #failuresInARow = 0;
  #stoppedBy: SyncFailure | null = null;
  #deletes: DeleteSummary;

  constructor(options: SyncOptions) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const { clock } = options.surroundings;
    this.#options = options;
    this.#tally = new SyncTally(clock);
    this.#small = new Lane({ most: limits.smallInFlight, waitingMost: WAITING_MOST, clock });
    this.#large = new Lane({ most: limits.largeInFlight, waitingMost: WAITING_MOST, clock });
    this.#wholeMaxBytes = limits.sizes.wholeMaxBytes;
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal]);
    const nothing = { missing: 0, due: 0, deleted: 0, foreign: 0, reprieved: 0, failed: 0 };
    this.#deletes = { ...nothing, refused: null };
    const onGivenUp = (because: string): void => this.#tell({ kind: "serverSideGivenUp", because });
    const serverSide = options.serverSide ?? { mode: "never" };
    this.#serverSide = new ServerSideCopy({ ...serverSide, onGivenUp }, clock);
    this.#tools = {
      source: options.source.store,
      target: options.target.store,
      surroundings: options.surroundings,
      retries: options.retries ?? DEFAULT_RETRIES,
      journal: options.journal,
      sizes: limits.sizes,
      memory: new ByteBudget(limits.memoryBytes),
      bandwidth: new BandwidthLimit(limits.bytesPerSecond, clock),
      serverSide: this.#serverSide,
      onRetry: (error) => this.#retried(error),
      onBytes: (bytes) => {
        this.#tally.sentBytes += bytes;
      },
    };
  }

  async run(): Promise<SyncSummary> {
    try {
      const round = await this.#openRound();
      await this.#walk(round);
      this.#tally.listingComplete = true;
      await this.#drain();
      if (!this.#signal.aborted && this.#options.dryRun !== true) await this.#conclude(round);
    } catch (error) {
      this.#stopFor(error);
      await this.#drain();
    }
    return this.#summary();
  }

  /** Null if this run does not watch what is missing. */
  async #openRound(): Promise<number | null> {
    const { deletes, dryRun, tombstones } = this.#options;
    return deletes === undefined || dryRun === true ? null : tombstones.openRound();
  }

  async #walk(round: number | null): Promise<void> {
    const { source, target, surroundings, includes } = this.#options;
    const pairs = mergeListings(source, target, {
      surroundings,
      signal: this.#signal,
      retries: this.#tools.retries,
      ...(includes === undefined ? {} : { includes }),
    });
    for await (const batch of pairs) {
      const missing: MissingObject[] = [];
      for (const pair of batch) {
        this.#tally.listed(pair, target.store.capabilities.listsMetadata);
        if (pair.kind === "same") continue;
        if (pair.kind === "onlyAtTarget") {
          missing.push({ name: pair.name, targetEtag: pair.target.etag });
          this.#tell({ kind: "missing", name: pair.name });
        } else {
          await this.#take(pair);
        }
      }
      if (round !== null && missing.length > 0) {
        await this.#options.tombstones.noteMissing(round, missing);
      }
    }
  }

  /** Waits while enough is waiting already. */
  async #take(pair: Exclude<Pair, { kind: "onlyAtTarget" }>): Promise<void> {
    const { name, source } = pair;
    if (this.#options.dryRun === true) {
      this.#tell({ kind: "wouldCopy", name, sizeBytes: source.sizeBytes });
      return;
    }
    const lane = source.sizeBytes <= this.#wholeMaxBytes ? this.#small : this.#large;
    await lane.add(() => this.#copy(pair));
  }

  async #copy({ name, source, target }: Exclude<Pair, { kind: "onlyAtTarget" }>): Promise<void> {
    if (this.#signal.aborted) return;
    const targetKey = this.#options.target.prefix + name;
    try {
      const request = { sourceKey: source.key, targetKey, source, target };
      const outcome = await copyObject(request, this.#tools, this.#signal);
      this.#failuresInARow = 0;
      if (outcome.kind === "gone") this.#tally.gone += 1;
      else if (outcome.kind === "alreadyThere") this.#tally.alreadyThere += 1;
      else {
        this.#tally.copied += 1;
        this.#tally.copiedBytes += outcome.sizeBytes;
        this.#tally.partsKept += outcome.partsKept;
        if (outcome.tagsLost) this.#tally.tagsLost += 1;
        if (this.#tools.source.capabilities.tagsHidden) this.#tally.tagsUnseen += 1;
        this.#tell({ kind: "copied", name, sizeBytes: outcome.sizeBytes });
      }
    } catch (error) {
      if (!this.#signal.aborted) await this.#failed(name, error);
    }
  }

  async #failed(name: string, error: unknown): Promise<void> {
    const failure = failureOf(name, asKnown(error));
    this.#tally.fail(failure);
    this.#tell({ kind: "failed", failure });
    const nobodyAnswers =
      failure.code === "OBJECT_STORE_UNREACHABLE" ||
      failure.code === "OBJECT_STORE_DENIED" ||
      failure.code === "NOT_FOUND";
    this.#failuresInARow = nobodyAnswers ? this.#failuresInARow + 1 : 0;
    if (this.#failuresInARow === 0 || this.#failuresInARow % FAILURES_IN_A_ROW_MAX > 0) return;
    const { copied, alreadyThere } = this.#tally;
    const isSilent = failure.code === "OBJECT_STORE_UNREACHABLE";
    const isHopeless = copied + alreadyThere === 0 && this.#failuresInARow >= ONLY_FAILURES_MAX;
    if (isSilent || isHopeless || !(await this.#storesAnswer())) this.#stopFor(error);
  }

  /** Both still list what they have: it is the objects. */
  async #storesAnswer(): Promise<boolean> {
    const { source, target } = this.#options;
    const firstPage = async ({ store, prefix }: ObjectPlace): Promise<void> => {
      await call(this.#tools, this.#signal, async (limited) => {
        for await (const _page of store.list({ prefix }, limited)) break;
      });
    };
    return Promise.all([firstPage(source), firstPage(target)]).then(
      () => true,
      () => false,
    );
  }

  #retried(error: CloudPhoenixError): void {
    this.#tally.retries += 1;
    this.#small.slowDown();
    this.#large.slowDown();
    this.#tell({ kind: "retry", message: error.message });
  }

  /** Both listings are complete and everything that was taken has ended. */
  async #conclude(round: number | null): Promise<void> {
    if (this.#tally.failed === 0) await this.#endStrayUploads();
    if (round !== null) await this.#delete(round);
  }

  /**
   * Every object that takes part is at the target, so what is still open of such was left behind by one that is gone.
   */
  async #endStrayUploads(): Promise<void> {
    const { journal, includes, target } = this.#options;
    for (const { key, upload } of await journal.all()) {
      const name = key.slice(target.prefix.length);
      if (!key.startsWith(target.prefix) || includes?.(name) === false) continue;
      await call(this.#tools, this.#signal, (limited) =>
        this.#tools.target.abortUpload(upload, limited),
      );
      await journal.forget(key);
    }
  }

  async #delete(round: number): Promise<void> {
    const { deletes: rules, source, target, tombstones, surroundings, includes } = this.#options;
    if (rules === undefined) return;
    const { sourceObjects, targetObjects } = this.#tally;
    try {
      await this.#refuseEmptySource(rules);
      const completedMs = surroundings.clock.now();
      const facts = { completedMs, sourceObjects, targetObjects };
      await tombstones.completeRound(round, facts, includes);
      if (this.#tally.failed > 0) throw afterFailures(this.#tally.failed);
      const sinceMs = completedMs - rules.delayMs;
      const told = {
        onDeleted: (name: string) => this.#deleted(name),
        onFailed: (name: string, error: CloudPhoenixError) => this.#notDeleted(name, error),
      };
      const places = { source, target, tombstones, includes };
      const request = { ...places, rules, sinceMs, targetObjects, ...told };
      const counts = await deleteMissing(request, this.#tools, this.#signal);
      this.#deletes = { ...this.#deletes, ...counts };
    } catch (error) {
      if (!hasCode(error, "DELETES_REFUSED")) throw error;
      this.#deletes = { ...this.#deletes, refused: failureOf("", asKnown(error)) };
    }
  }

  #deleted(name: string): void {
    this.#deletes = { ...this.#deletes, deleted: this.#deletes.deleted + 1 };
    this.#tell({ kind: "deleted", name });
  }

  #notDeleted(name: string, error: CloudPhoenixError): void {
    const failure = failureOf(name, error);
    this.#deletes = { ...this.#deletes, failed: this.#deletes.failed + 1 };
    this.#tally.keep(failure);
    this.#tell({ kind: "failed", failure });
  }

  /** @throws {CloudPhoenixError} `DELETES_REFUSED` */
  async #refuseEmptySource({ allowEmptySource }: DeleteRules): Promise<void> {
    if (this.#tally.sourceObjects > 0 || allowEmptySource) return;
    // Whatever was seen there before: the target would be emptied.
    const { targetObjects } = this.#tally;
    if (targetObjects === 0) return;
    const empty =
      this.#options.includes === undefined
        ? "the source is empty"
        : "nothing at the source is admitted by --include and --exclude";
    const message = `${empty}, the target holds ${targetObjects} objects. Nothing was deleted`;
    throw new CloudPhoenixError("DELETES_REFUSED", message, {
      retryable: false,
      hint: "Check that the source's address is right; if it is empty on purpose, add --allow-empty-source.",
    });
  }

  #stopFor(error: unknown): void {
    if (this.#options.signal.aborted || this.#stoppedBy !== null) return;
    const known = asKnown(error);
    this.#stoppedBy = failureOf("", known);
    // What was found before a listing broke is still right to copy.
    if (known.code !== "LISTING_BROKEN") this.#stop.abort(known);
  }

  async #drain(): Promise<void> {
    if (this.#signal.aborted) {
      this.#small.clear();
      this.#large.clear();
    }
    await Promise.all([this.#small.drained(), this.#large.drained()]);
  }

  #tell(event: SyncEvent): void {
    this.#options.onEvent?.(event, () => this.#tally.progress());
  }

  #summary(): SyncSummary {
    return {
      outcome: this.#outcome(),
      dryRun: this.#options.dryRun ?? false,
      progress: this.#tally.progress(),
      serverSide: this.#serverSide.counts,
      failures: this.#tally.failures,
      deletes: { ...this.#deletes, missing: this.#tally.missing },
      stoppedBy: this.#stoppedBy,
    };
  }

  #outcome(): SyncSummary["outcome"] {
    if (this.#options.signal.aborted) return "interrupted";
    if (this.#stoppedBy !== null) return "stopped";
    if (this.#tally.failed > 0 || this.#deletes.failed > 0) return "failures";
    return this.#deletes.refused === null ? "done" : "refused";
  }
}

function afterFailures(failed: number): CloudPhoenixError {
  const message = `${failed} objects could not be copied, so nothing was deleted in this run`;
  return new CloudPhoenixError("DELETES_REFUSED", message, {
    retryable: true,
    hint: "Make the copies succeed first; deletes then follow.",
  });
}

/** A defect is a failure like any other to whoever waits for the summary, and says so. */
function asKnown(error: unknown): CloudPhoenixError {
  if (error instanceof CloudPhoenixError) return error;
  return new CloudPhoenixError("INTERNAL", messageOf(error), {
    retryable: false,
    hint: "Report this.",
    cause: error,
  });
}
