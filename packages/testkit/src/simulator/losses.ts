/**
 * Judges what is missing where a site was promoted.
 *
 * Invariants, by the names violations carry:
 * - `bad-standby`: no promotion of an incomplete or stale copy without approval.
 * - `lost-writes`: nothing acknowledged is lost in a planned move, nor by a primary that waited for
 *   its standby, whatever people approved; of what was acknowledged before the last sign of life, no
 *   more is lost than the bound that was measured, which is all that anybody was asked to accept; a
 *   site that is opened again without being promoted has what another one acknowledged meanwhile.
 */
import type { PromotionRecord, Transaction } from "./database.ts";
import type { RunStory } from "./run-story.ts";
import type { Site } from "./sites.ts";
import type { World } from "./world.ts";

/** Clocks of two controllers, one interval of heartbeats, and the way there. */
const LOSS_SLACK_MS = 2_000;

interface PromotionStory {
  readonly site: Site;
  readonly from: Site;
  readonly applied: number;
  readonly run: RunStory | null;
  readonly generation: number;
}

export class Losses {
  readonly #world: World;
  readonly #promotions: PromotionStory[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** A database has just become the primary, for `run` if that is known. */
  promoted(
    site: Site,
    { from, applied, beat, generation }: PromotionRecord,
    run: RunStory | null,
  ): void {
    if (!site.database.copyComplete)
      this.#world.truth.violate("bad-standby", `${site.id} has no complete copy`);
    if (run?.plan.kind !== "switchover" && (run === null || !this.#isApproved(run))) {
      const readMs = this.#world.site(from).database.log[applied - 1]?.acceptedMs;
      const completeMs = run?.wasRead === true ? readMs : beat?.trueMs;
      this.#judgeStaleness(site, run?.sign ?? null, completeMs ?? null);
    }
    this.#promotions.push({ site, from: this.#world.site(from), applied, run, generation });
  }

  /** Whether the site that writes now got this write from the one before. */
  reachedNewWriter(write: number): boolean {
    const { newest } = this.#world.truth;
    const story = this.#promotions.findLast(({ site }) => site.id === newest?.site);
    return (
      story?.from.database.log.slice(0, story.applied).some((one) => one.write === write) ?? false
    );
  }

  /** Which acknowledged writes are gone, now that others have taken over. */
  judge(): void {
    for (const story of this.#promotions) {
      const tookOver = story.site.database.log.some(({ write }) => write !== null);
      if (tookOver) this.#judgeLoss(story);
    }
    this.#judgeReturns();
  }

  /** Whoever writes again without having been promoted has nothing of what another one took. */
  #judgeReturns(): void {
    const { truth } = this.#world;
    for (const [index, { site, epoch }] of truth.writers.entries()) {
      const before = truth.writers[index - 1];
      if (before === undefined || before.site === site) continue;
      const isPromoted = this.#promotions.some(
        (one) => one.site.id === site && one.generation > before.epoch,
      );
      if (isPromoted) continue;
      const lost = this.#world
        .site(before.site)
        .database.log.filter(
          (one) =>
            one.write !== null && one.epoch === before.epoch && truth.acknowledged.has(one.write),
        );
      if (lost.length === 0) continue;
      truth.violate(
        "lost-writes",
        `${site} was opened again for ${epoch} without ${lost.length} acknowledged writes of ${before.site}`,
      );
    }
  }

  #judgeLoss({ site, from, applied, run }: PromotionStory): void {
    const { truth } = this.#world;
    const lost = from.database.log
      .slice(applied)
      .filter(({ write }) => write !== null && truth.acknowledged.has(write));
    const [oldest] = lost;
    if (oldest === undefined) return;
    const words = `${lost.length} acknowledged writes of ${from.id} are not at ${site.id}`;
    if (run?.plan.kind === "switchover") {
      truth.violate("lost-writes", `${words} after a planned move`);
    } else if (from.database.durability !== "async") {
      truth.violate("lost-writes", `${words} although every commit waited for its standby`);
    } else if (run !== null) {
      this.#judgeBound(run, oldest, words);
    }
  }

  /** What is newer than the last sign of life was not there to be measured. */
  #judgeBound({ sign, boundMs }: RunStory, oldest: Transaction, words: string): void {
    if (sign === null || boundMs === null) return;
    const lostMs = sign - oldest.acceptedMs;
    if (lostMs <= boundMs + LOSS_SLACK_MS) return;
    this.#world.truth.violate(
      "lost-writes",
      `${words}, the oldest from ${Math.round(lostMs)} ms before the last sign of life; people were told of ${boundMs} ms`,
    );
  }

  #judgeStaleness(site: Site, sign: number | null, completeMs: number | null): void {
    const { truth, settings } = this.#world;
    if (sign === null || completeMs === null) {
      truth.violate("bad-standby", `${site.id} was promoted although the loss was unknown`);
      return;
    }
    const behindMs = sign - completeMs;
    const { rpoMs } = settings.application.objectives;
    if (behindMs <= rpoMs + LOSS_SLACK_MS) return;
    truth.violate(
      "bad-standby",
      `${site.id} was promoted ${Math.round(behindMs)} ms behind, without approval; the objective is ${rpoMs} ms`,
    );
  }

  /** Approved where the loss was measured, or before the start if that accepted as much. */
  #isApproved(run: RunStory): boolean {
    const { approversForRisk } = this.#world.settings.policy;
    const enough = (step: string): boolean => run.approvers(step) >= approversForRisk;
    if (enough("measure-loss")) return true;
    const approval = run.plan.steps.find(({ action }) => action.kind === "approval")?.action;
    const accepts = approval?.kind === "approval" ? approval.accepts : undefined;
    if (accepts === undefined || !enough("approval")) return false;
    return (
      accepts.writesMs === null || (run.boundMs ?? Number.POSITIVE_INFINITY) <= accepts.writesMs
    );
  }
}
