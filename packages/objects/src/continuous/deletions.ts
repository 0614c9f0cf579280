/**
 * Deletes at the target what was deleted at the source, late and slowly, by the rules of
 * `delete-missing.ts`, which every pass keeps as a whole. What it refuses is said until it is no longer so.
 */
import { hasCode, messageOf } from "@cloudphoenix/core";
import type { CopyTools } from "../copy-tools.ts";
import { deleteMissing } from "../delete-missing.ts";
import { addressOf, type ObjectPlace } from "../object-place.ts";
import type { MissingObject, TombstoneStore } from "../tombstone-store.ts";
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
    const { missing } = await tombstones.count(completedMs);
    if (objects.sourceObjects === 0 && missing > 0) {
      this.#refusal = `deletes are held back: the source is empty, and the standby has ${missing} objects; delete them there yourself if that is right`;
      return;
    }
    await this.#deleteDue(completedMs, objects.targetObjects, signal);
  }

  async #deleteDue(nowMs: number, targetObjects: number, signal: AbortSignal): Promise<void> {
    const { source, target, tombstones, limits, tools, mover, authority } = this.#options;
    try {
      await deleteMissing(
        {
          source,
          target,
          tombstones,
          rules: { ...limits, onlyStamped: true, allowEmptySource: false },
          sinceMs: nowMs - limits.delayMs,
          targetObjects,
          mayDelete: (name, there) => mover.mayReplace(name, there),
          onForeign: (name) => this.#options.onConflict(name, conflictAt(addressOf(target, name))),
          onDeleted: () => (this.#deleted += 1),
          authority,
        },
        tools,
        signal,
      );
      this.#refusal = null;
    } catch (error) {
      if (!hasCode(error, "DELETES_REFUSED")) throw error;
      this.#refusal = `deletes are held back: ${messageOf(error)}; look whether they are really gone at the active site, then raise objects.deletes in the configuration`;
    }
  }
}
