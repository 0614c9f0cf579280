/**
 * Whether the application can be written again, once everything that was going to go wrong has.
 *
 * - `liveness`: when faults are over and there was time enough, somebody takes writes again: the
 *   active site, or, if that is gone for good, a standby that was whole and fresh. Excused is only
 *   what waits for people who are late or away, for a reason the faults explain, what people took
 *   back, and what a rule of the policy explains: the cooldown after a move, a loss nobody can bound.
 *
 * A run that waits for nobody is no excuse: it has `RUN_BOUND_MS` for its work, and nothing it does
 * may hang in a world that is well.
 */
import type { Controller } from "./controller.ts";
import type { Disasters } from "./disasters.ts";
import type { RunStory } from "./run-story.ts";
import { type Site, serves } from "./sites.ts";
import type { World } from "./world.ts";

/** What a run may take beside its waits for people, where nothing is wrong any more. */
const RUN_BOUND_MS = 20_000;
/** A try that began in trouble may hang until its own limit. */
const RETRY_SLACK_MS = 6_000;
/** People look once a second, and their answer travels; it takes up to half as long again. */
const ANSWER_SLACK_MS = 4_000;
const ANSWER_FACTOR_MAX = 1.5;
/** Far enough below the objective that every clock and every sample agrees. */
const FRESH_SLACK_MS = 2_500;
/** How long a move by decision may take to begin after a cooldown. */
const DECISION_MS = 10_000;

/** Judges the end of a seed; every fault that does not last for ever is over for `calmMs`. */
export function judgeLiveness(
  world: World,
  disasters: Disasters,
  controllers: readonly Controller[],
): void {
  const gone = disasters.forGood.map(({ active }) => active);
  const rest = world.sites.filter((site) => !gone.includes(site));
  if (rest.some((site) => site.database.refusal() === null)) return;
  const court = new Court(world, disasters, controllers);
  const excused =
    gone.length === 0 ? everyPodIsDown(world) : rest.every((site) => !court.couldTakeOver(site));
  if (excused || world.judge.runs.some((run) => court.excuses(run, gone.length > 0))) return;
  const calmMs = Math.round(world.scheduler.nowMs - disasters.lastChangeMs);
  const standing = gone.map((site) => `${site.id} is gone; `).join("");
  world.truth.violate(
    "liveness",
    `nobody takes writes ${calmMs} ms after the last change from outside: ${standing}${describe(world)}; ${court.reasons()}`,
  );
}

class Court {
  readonly #world: World;
  readonly #disasters: Disasters;
  readonly #leader: Controller | undefined;

  constructor(world: World, disasters: Disasters, controllers: readonly Controller[]) {
    this.#world = world;
    this.#disasters = disasters;
    this.#leader = controllers.find((one) => one.acting !== null);
  }

  /** Whether a site is well, and has what a site that is gone for good had, as far as that is known. */
  couldTakeOver(site: Site): boolean {
    const { database } = site;
    const isWell = database.process.running && serves(site) && !database.applyStalled;
    if (!isWell || !database.copyComplete) return false;
    const from = database.promotion?.from ?? database.follows?.site ?? "";
    const loss = this.#disasters.forGood.find(({ active }) => active.id === from);
    if (loss === undefined) return false;
    return database.promotion !== null || (this.#isFresh(site, loss.atMs) && this.#sawAlive(from));
  }

  /** Whether a site had all but the newest of what there was at an instant. */
  #isFresh({ database }: Site, atMs: number): boolean {
    const beat = database.follows?.beat ?? null;
    return beat !== null && atMs - beat.trueMs <= this.#freshMs;
  }

  get #freshMs(): number {
    return this.#world.settings.application.objectives.rpoMs - FRESH_SLACK_MS;
  }

  /** Whoever came to lead after the loss may not know how much would be missing. */
  #sawAlive(site: string): boolean {
    const leader = this.#leader?.process.name ?? null;
    return leader === null || this.#world.judge.signOf(leader, site) !== null;
  }

  excuses(run: RunStory, isGone: boolean): boolean {
    if (run.plan.kind === "heal") return false;
    const { nowMs } = this.#world.scheduler;
    // Taking back what began at a site that is gone takes as long as it has to. Who gives a rollback up
    // has agreed to what it stops, and is told to order it again.
    if (run.cancelled && (isGone || run.plan.kind === "rollback")) return true;
    if (run.ended === null && run.waitingSinceMs !== null) {
      return this.#peopleAreLate(run.waitingSinceMs) && this.#explains(run, run.waitingSinceMs);
    }
    if (run.ended === null) return this.#isUnderWay(run);
    if (run.ended === "stuck") return run.cancelled || this.#explains(run, nowMs);
    if (!isGone || run.endedMs === null) return false;
    const { cooldownMs } = this.#world.settings.policy;
    const isCooling = nowMs < run.endedMs + cooldownMs + DECISION_MS;
    return isCooling && (run.ended === "completed" || this.#explains(run, run.endedMs));
  }

  /** Something beside the loss of the site it leaves went wrong, or the policy itself asks people. */
  #explains(run: RunStory, untilMs: number): boolean {
    const { step, plan, beganMs, startedBy } = run;
    const { settings } = this.#world;
    if (this.#disasters.troublesBeside(plan.from, beganMs, untilMs).length > 0) return true;
    if (!run.sawFrom) return true;
    if (step?.action.kind === "measure-loss" && run.sign !== null) {
      const isBehind = run.behindMs === null || run.behindMs > this.#freshMs;
      return isBehind || (!run.wasRead && this.#wasStruckAgain(run, untilMs));
    }
    if (step?.action.kind !== "approval") return false;
    // The witness came back so late that no agent had the time to take the lease up.
    if (!this.#world.state.leaseTakenUp) return true;
    return startedBy !== "decision" || settings.policy.modes.dr === "approve";
  }

  /** A site that came back, and was fenced, and is out of reach again cannot be read. */
  #wasStruckAgain({ plan, stoppedMs }: RunStory, untilMs: number): boolean {
    if (stoppedMs === null) return false;
    return this.#disasters.struck.some(
      ({ active, atMs }) => active.id === plan.from && atMs >= stoppedMs && atMs <= untilMs,
    );
  }

  #peopleAreLate(sinceMs: number): boolean {
    const { answersAfterMs } = this.#world.settings.operators;
    if (answersAfterMs === null) return true;
    const waitedMs = this.#world.scheduler.nowMs - sinceMs;
    return waitedMs < answersAfterMs * ANSWER_FACTOR_MAX + ANSWER_SLACK_MS;
  }

  /** Tries that began in trouble hang until their own limit: that time is not the run's own. */
  #isUnderWay({ step, plan, progressMs, resumedMs, hangs }: RunStory): boolean {
    const { nowMs } = this.#world.scheduler;
    const limitMs = (step?.timeoutMs ?? 0) + RETRY_SLACK_MS;
    const excused = [...hangs, { fromMs: progressMs, untilMs: nowMs }].filter(
      ({ fromMs, untilMs }) =>
        untilMs - fromMs < limitMs &&
        this.#disasters.troublesBeside(plan.from, fromMs, fromMs + RETRY_SLACK_MS).length > 0,
    );
    const sinceMs = Math.max(
      resumedMs,
      this.#disasters.lastChangeMs,
      ...excused.map((hang) => hang.untilMs),
    );
    return nowMs - sinceMs < RUN_BOUND_MS;
  }

  reasons(): string {
    const { judge } = this.#world;
    const runs = judge.runs.map(
      ({ plan, ended, step, waitingSinceMs }) =>
        `${plan.kind} ${ended ?? (waitingSinceMs === null ? "under way" : "waiting")} at ${step?.id ?? "its beginning"}`,
    );
    const decision = judge.decisions.get(this.#leader?.process.name ?? "");
    const words =
      decision === undefined
        ? "nobody leads"
        : `${decision.verdict}: ${decision.action.kind}: ${decision.action.because}`;
    return [...runs, words].join("; ");
  }
}

/** Moved by people or by half, in a way only people can mend. */
function everyPodIsDown(world: World): boolean {
  return world.sites.every((site) => site.pods.ready === 0);
}

function describe(world: World): string {
  return world.sites.map(siteText).join(", ");
}

function siteText({ id, database }: Site): string {
  return `${id} is ${database.role} at ${database.generation} (${database.refusal() ?? "open"})`;
}
