/**
 * Deletes at the target what was deleted at the source, late and slowly, by the rules of
 * `delete-missing.ts`, which every pass keeps as a whole. What it refuses is said until it is no longer so.
 *
 * 1. Nothing is deleted that went missing after a change that is not copied: that change may be its
 *    new name, and the old one all that is left. Of a change that needs a person, which may take long, the
 *    size is known as a rule: then only what has the same size is held back.
 * 2. The limit holds for the last hour, not for one pass, and outlives the process.
 * 3. What was deleted is forgotten by whoever copies, and looked at once more.
 * 4. What the standby refuses to delete keeps nothing else from being deleted, and is said.
 */
import { type CloudPhoenixError, hasCode } from "@cloudphoenix/core";
import type { CopyTools } from "../copy-tools.ts";
import { deleteMissing } from "../delete-missing.ts";
import { addressOf, type ObjectPlace } from "../object-place.ts";
import type { MissingObject, TombstoneStore } from "../tombstone-store.ts";
import type { DeletedThen } from "./copier-memory.ts";
import { DeleteVelocity } from "./delete-velocity.ts";
import type { WentMissing } from "./failure-list.ts";
import { conflictAt, type KeyMover } from "./key-mover.ts";
import { STORE_TIME_MARGIN_MS } from "./source-time.ts";

export interface DeleteLimits {
  /** How long a deleted object stays at the target. */
  readonly delayMs: number;
  /** Largest share of the target's objects that is deleted within an hour. */
  readonly maxPercent: number;
  /** Most objects that are deleted within an hour. */
  readonly maxCount: number;
}

export interface DeletionsOptions {
  readonly source: ObjectPlace;
  readonly target: ObjectPlace;
  readonly tools: CopyTools;
  readonly tombstones: TombstoneStore;
  readonly mover: Pick<KeyMover, "mayReplace">;
  readonly limits: DeleteLimits;
  /** What was deleted before this process. */
  readonly earlier: readonly DeletedThen[];
  readonly authority: (signal: AbortSignal) => Promise<void>;
  /** The oldest change that is not copied, but for those that `mayBeRenamed` knows; null if there is none. */
  readonly oldestUncopiedMs: () => number | null;
  /** Whether it may be an object that cannot be copied, under its old name. */
  readonly mayBeRenamed: (missing: WentMissing) => boolean;
  /** Somebody's object is at the target alone. */
  readonly onConflict: (name: string, error: unknown) => void;
  /** A store refuses to delete this one, or to tell of it; it is asked again by the next pass. */
  readonly onRefused: (name: string, error: CloudPhoenixError) => void;
  readonly onDeleted: (name: string) => void;
}

export class Deletions {
  readonly #options: DeletionsOptions;
  readonly #velocity: DeleteVelocity;
  #round: number | null = null;
  #deleted = 0;
  /** By the pass under way, or the last one. */
  #held = 0;
  #refusal: string | null = null;

  constructor(options: DeletionsOptions) {
    this.#options = options;
    this.#velocity = new DeleteVelocity(options.earlier);
  }

  get deleted(): number {
    return this.#deleted;
  }

  /** Why nothing is deleted, in words; null while nothing is in the way. */
  get refusal(): string | null {
    return this.#refusal;
  }

  /** What counts for the limit, for whoever takes over. */
  deletedLately(nowMs: number): readonly DeletedThen[] {
    return this.#velocity.within(nowMs);
  }

  async beginRound(): Promise<void> {
    this.#round = await this.#options.tombstones.openRound();
  }

  /** The listings have these at the target only. @throws {CloudPhoenixError} `CONFLICT` */
  async note(missing: readonly MissingObject[]): Promise<void> {
    if (this.#round !== null) await this.#options.tombstones.noteMissing(this.#round, missing);
  }

  /**
   * Both listings were complete: counts what they noted. Answers with when that was; null if there is nothing
   * to delete by it.
   * @throws {CloudPhoenixError} what the store of tombstones says
   */
  async completeRound(objects: {
    readonly sourceObjects: number;
    readonly targetObjects: number;
  }): Promise<number | null> {
    const { tombstones } = this.#options;
    if (this.#round === null) return null;
    const completedMs = this.#now();
    await tombstones.completeRound(this.#round, { completedMs, ...objects });
    this.#round = null;
    const { missing } = await tombstones.count(completedMs);
    if (objects.sourceObjects > 0 || missing === 0) return completedMs;
    this.#refusal = `deletes are held back: the source is empty, and the standby has ${missing} objects; delete them there yourself if that is right`;
    return null;
  }

  /** Deletes what is due. @throws {CloudPhoenixError} what a store or authority says */
  async deleteDue(completedMs: number, targetObjects: number, signal: AbortSignal): Promise<void> {
    const { tombstones, limits } = this.#options;
    const sinceMs = this.#dueMs(completedMs);
    this.#held = 0;
    const refused = await this.#deleteSince(sinceMs, targetObjects, signal);
    if (refused === null) return;
    const { due } = await tombstones.count(completedMs - limits.delayMs);
    const { due: looked } = await tombstones.count(sinceMs);
    const held = due - looked + this.#held;
    if (held > 0) this.#refusal = heldBack(held);
    else this.#refusal = refused > 0 ? refusedByStore(refused) : null;
  }

  /** What went missing by then is due, and nothing that is not copied is older. */
  #dueMs(completedMs: number): number {
    const { limits, oldestUncopiedMs } = this.#options;
    const boundMs = (oldestUncopiedMs() ?? Infinity) - STORE_TIME_MARGIN_MS;
    return Math.min(completedMs - limits.delayMs, boundMs);
  }

  /** How many a store refused; null if there are more than the limit allows, and nothing is deleted. */
  async #deleteSince(
    sinceMs: number,
    targetObjects: number,
    signal: AbortSignal,
  ): Promise<number | null> {
    const { source, target, tombstones, limits, tools, mover, authority } = this.#options;
    const lately = this.#velocity.countAt(this.#now());
    const allowed = Math.min(
      limits.maxCount,
      Math.floor(((targetObjects + lately) * limits.maxPercent) / 100),
    );
    try {
      const { failed } = await deleteMissing(
        {
          source,
          target,
          tombstones,
          rules: {
            delayMs: limits.delayMs,
            maxCount: Math.max(0, allowed - lately),
            maxPercent: 100,
            onlyStamped: true,
            allowEmptySource: false,
          },
          sinceMs,
          targetObjects,
          mayDelete: (name, there) => mover.mayReplace(name, there),
          holdsBack: ({ sinceMs: missingMs }, { sizeBytes }) =>
            this.#holdsBack({ sizeBytes, sinceMs: missingMs }),
          onForeign: (name) => this.#options.onConflict(name, conflictAt(addressOf(target, name))),
          onFailed: this.#options.onRefused,
          onDeleted: (name) => this.#noteDeleted(name),
          authority,
        },
        tools,
        signal,
      );
      return failed;
    } catch (error) {
      if (!hasCode(error, "DELETES_REFUSED")) throw error;
      this.#refusal = `deletes are held back: more than ${allowed} of ${targetObjects + lately} objects would be deleted within an hour (${lately} were); look whether they are really gone at the active site, then raise objects.deletes in the configuration`;
      return null;
    }
  }

  #holdsBack(missing: WentMissing): boolean {
    const mayBe = this.#options.mayBeRenamed(missing);
    if (mayBe) this.#held += 1;
    return mayBe;
  }

  #noteDeleted(name: string): void {
    this.#deleted += 1;
    this.#velocity.deleted(this.#now());
    this.#options.onDeleted(name);
  }

  #now(): number {
    return this.#options.tools.surroundings.clock.now();
  }
}

function heldBack(count: number): string {
  return `deletes are held back: ${count} objects are due, and objects stored before they went missing are not copied, which may be the same under other names; see what cannot be copied`;
}

function refusedByStore(count: number): string {
  const what = count === 1 ? "one object" : `${count} objects`;
  return `deletes are held back: a store refuses to delete ${what}, or to tell whether it is gone (a legal hold, no right to it); all others that are due are deleted`;
}
