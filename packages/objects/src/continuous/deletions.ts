/**
 * Deletes at the target what was deleted at the source, late and slowly.
 *
 * 1. A name is due when complete comparisons, the delay apart, found it at the target only.
 * 2. It is deleted if the source, asked by name, does not have it either; only the version that was
 *    meant, and only if that is a copy (or is known to have been at the source).
 * 3. More than the limit at once is refused as a whole, and said, until somebody raises the limit.
 */
import { hasCode } from "@cloudphoenix/core";
import { type CopyTools, call } from "../copy-tools.ts";
import { addressOf, type ObjectPlace } from "../object-place.ts";
import type { ObjectFacts } from "../object-store.ts";
import type { MissingObject, Tombstone, TombstoneStore } from "../tombstone-store.ts";
import { conflictAt, type KeyMover } from "./key-mover.ts";

export interface DeleteLimits {
  /** How long a deleted object stays at the target. */
  readonly delayMs: number;
  /** Largest share of the target's objects that is deleted in one pass. */
  readonly maxPercent: number;
  readonly maxCount: number;
}

export interface DeletionsOptions {
  readonly source: ObjectPlace;
  readonly target: ObjectPlace;
  readonly tools: CopyTools;
  readonly tombstones: TombstoneStore;
  readonly mover: Pick<KeyMover, "mayReplace">;
  readonly limits: DeleteLimits;
  readonly authority: (signal: AbortSignal) => Promise<void>;
  /** Somebody's object is at the target alone. */
  readonly onConflict: (name: string, error: unknown) => void;
}

const PAGE = 500;

export class Deletions {
  readonly #options: DeletionsOptions;
  #round: number | null = null;
  #deleted = 0;
  #refusal: string | null = null;

  constructor(options: DeletionsOptions) {
    this.#options = options;
  }

  get deleted(): number {
    return this.#deleted;
  }

  /** Why nothing is deleted, in words; null while nothing is in the way. */
  get refusal(): string | null {
    return this.#refusal;
  }

  async beginRound(): Promise<void> {
    this.#round = await this.#options.tombstones.openRound();
  }

  /** The listings have these at the target only. @throws {CloudPhoenixError} `CONFLICT` */
  async note(missing: readonly MissingObject[]): Promise<void> {
    if (this.#round !== null) await this.#options.tombstones.noteMissing(this.#round, missing);
  }

  /**
   * Both listings were complete: counts what they noted, and deletes what is due.
   * @throws {CloudPhoenixError} what a store or authority says
   */
  async completeRound(
    objects: { readonly sourceObjects: number; readonly targetObjects: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { tombstones, tools } = this.#options;
    if (this.#round === null) return;
    const completedMs = tools.surroundings.clock.now();
    await tombstones.completeRound(this.#round, { completedMs, ...objects });
    this.#round = null;
    await this.#deleteDue(completedMs, objects.targetObjects, signal);
  }

  async #deleteDue(nowMs: number, targetObjects: number, signal: AbortSignal): Promise<void> {
    const { limits, tombstones } = this.#options;
    const untilMs = nowMs - limits.delayMs;
    const most = Math.min(limits.maxCount, Math.floor((targetObjects * limits.maxPercent) / 100));
    const { due } = await tombstones.count(untilMs);
    this.#refusal = due > most ? refusalOf(due, most, limits) : null;
    if (due === 0 || this.#refusal !== null) return;
    for (let after: string | null = null; ; ) {
      const page = await tombstones.due(untilMs, { after, limit: PAGE });
      for (const tombstone of page) await this.#delete(tombstone, signal);
      after = page.at(-1)?.name ?? null;
      if (after === null) return;
    }
  }

  async #delete({ name, targetEtag }: Tombstone, signal: AbortSignal): Promise<void> {
    const { source, target, tools, mover, tombstones, authority, onConflict } = this.#options;
    const ask = (place: ObjectPlace): Promise<ObjectFacts | null> =>
      call(tools, signal, (limited) => place.store.head(place.prefix + name, limited));
    const seen = await ask(target);
    if ((await ask(source)) !== null || seen?.etag !== targetEtag) return;
    if (!mover.mayReplace(name, seen)) {
      onConflict(name, conflictAt(addressOf(target, name)));
      return;
    }
    await authority(signal);
    const condition = { kind: "unchanged", etag: targetEtag } as const;
    try {
      await call(tools, signal, (limited) =>
        target.store.delete(target.prefix + name, condition, limited),
      );
    } catch (error) {
      if (hasCode(error, "OBJECT_CHANGED")) return;
      throw error;
    }
    await tombstones.forget([name]);
    this.#deleted += 1;
  }
}

function refusalOf(due: number, most: number, { maxPercent, maxCount }: DeleteLimits): string {
  return (
    `deletes are held back: ${due} objects would be deleted at once, ${most} may be ` +
    `(objects.deletes.max_count is ${maxCount}, max_percent ${maxPercent}); look whether they are ` +
    "really gone at the active site, then raise the limit"
  );
}
