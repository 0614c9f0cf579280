/**
 * Judges what controllers do against what they had heard and what really was.
 *
 * Invariants, by the names violations carry:
 * - `evidence`: no move by decision on less than the failure domains the policy asks for, nor
 *   across clouds without a witness in the target's cloud and one outside every site.
 * - `blind`: nothing is started by decision while less is known than the policy asks for.
 * - `hasty`: no move by decision before the trouble has held as long as the policy says.
 * - `flapping`: moves by decision keep the cooldown, heals their limit.
 * - `unproven-fence`: no promotion below the policy's degree of fence without enough approvals.
 * - `broken-proof`: nothing was written at a site after the end of its lease that a fence told.
 * - `needless-rollback`: nothing is rolled back without asking people unless a move was left half-way.
 * - `unasked-approval`: nobody counts as having approved what a step asks who has not read it.
 *
 * What promotions lose is judged in `losses.ts`.
 */
import type { Decision, Observation, Plan, RunEvent, SiteId, StepRecord } from "@cloudphoenix/core";
import { fenceAtLeast, leaseEndedIn } from "@cloudphoenix/core";
import type { Transaction } from "./database.ts";
import { Hearing } from "./hearing.ts";
import { Losses } from "./losses.ts";
import type { ProbeReport } from "./probes.ts";
import { type MeasuredLoss, type Objection, RunStory } from "./run-story.ts";
import type { Site } from "./sites.ts";
import type { World } from "./world.ts";

const LOOK_SLACK_MS = 20;
const MOMENT_MS = 2;

/** From a look to the start of the run it led to: as the product promises, and one statement. */
const ACT_AGE_MAX_MS = 5_500;

interface Act {
  readonly kind: string;
  readonly atMs: number;
  readonly objections: readonly Objection[];
}

export class Judge {
  readonly #world: World;
  readonly #hearings = new Map<string, Hearing>();
  readonly #runs = new Map<string, RunStory>();
  /** True time of the newest heartbeat a controller got acknowledged, per controller and site. */
  readonly #signs = new Map<string, number>();
  /** True time of the newest heartbeat any controller ever got acknowledged, per site. */
  readonly #newestSigns = new Map<SiteId, number>();
  /** True time since when a controller leads. */
  readonly #ledSince = new Map<string, number>();
  readonly #measured = new Map<string, MeasuredLoss>();
  #lastMoveEndedMs: number | null = null;
  #healEnds: { readonly site: string; readonly atMs: number }[] = [];
  /** The newest decision to act of each controller, judged when it was made. */
  readonly #belowMs = new Map<string, number>();
  readonly #acts = new Map<string, Act>();
  /** The newest decision of each controller. */
  readonly decisions: Map<string, Decision> = new Map();
  readonly losses: Losses;
  moves = 0;

  constructor(world: World) {
    this.#world = world;
    this.losses = new Losses(world);
  }

  /** Runs as they were recorded, oldest first. */
  get runs(): readonly RunStory[] {
    return [...this.#runs.values()];
  }

  heard(controller: string, report: ProbeReport): void {
    this.#hearing(controller).report(report);
  }

  heardLag(controller: string, observation: Observation): void {
    this.#hearing(controller).lag(observation);
  }

  decided(controller: string, decision: Decision): void {
    this.decisions.set(controller, decision);
    this.#world.phases.scoreChanged(decision.score.points >= 4);
    const lookMs = this.#trueTimeOf(controller, decision.atMs);
    this.#noteScore(controller, decision.active, lookMs);
    const { action } = decision;
    if (action.kind !== "act") return;
    const { plan: kind, target: to } = action;
    // A heal is about the site it repairs, whoever is active.
    const from = kind === "heal" ? to : decision.active;
    // An answer that came in the very millisecond of the look may or may not have been seen.
    const before = this.#objectionsTo(controller, { kind, from, to }, lookMs - MOMENT_MS);
    const after = this.#objectionsTo(controller, { kind, from, to }, lookMs + MOMENT_MS);
    const objections = before.filter((one) => after.some((two) => two.invariant === one.invariant));
    this.#acts.set(controller, { kind, atMs: lookMs, objections });
  }

  /** A controller begins to lead: what an earlier life of it knew is forgotten. */
  leads(controller: string): void {
    for (const { id } of this.#world.sites) this.#signs.delete(`${controller} ${id}`);
    this.#ledSince.set(controller, this.#world.scheduler.nowMs);
  }

  /** True time of the newest sign of life of `site` this controller knows of; null: none. */
  signOf(controller: string, site: SiteId): number | null {
    return this.#signs.get(`${controller} ${site}`) ?? null;
  }

  /** The active site acknowledged a heartbeat of this controller. */
  sawAlive(controller: string, site: SiteId): void {
    this.#signs.set(`${controller} ${site}`, this.#world.scheduler.nowMs);
    this.#newestSigns.set(site, this.#world.scheduler.nowMs);
  }

  /** A controller was told which heartbeat the standby has: what it knew then it may rely on. */
  measured(
    controller: string,
    { from, to }: { readonly from: SiteId; readonly to: SiteId },
    beat: Transaction["beat"],
  ): void {
    const sign = this.signOf(controller, from);
    const anybodysSign = this.#newestSigns.get(from) ?? null;
    const { log } = this.#world.site(from).database;
    const writtenMs = log.findLast(({ write }) => write !== null)?.acceptedMs ?? null;
    // One that was written late tells of the time it was sent.
    const beatMs = beat === null ? null : this.#trueTimeOf(controller, beat.atMs);
    const { database } = this.#world.site(to);
    const applied = database.promotion?.applied ?? database.follows?.applied ?? 0;
    const appliedMs = log[applied - 1]?.acceptedMs ?? null;
    const { nowMs } = this.#world.scheduler;
    const measured = { sign, anybodysSign, writtenMs, beatMs, appliedMs, nowMs };
    this.#measured.set(`${controller} ${from} ${to}`, measured);
  }

  /** A run is started. */
  began(controller: string, plan: Plan, startedBy: string): void {
    if (this.#runs.has(plan.id)) return;
    const objections = startedBy === "decision" ? this.#objectionsAtStart(controller, plan) : [];
    const sign = this.signOf(controller, plan.from);
    const aliveUntil = sign ?? this.#ledSince.get(controller) ?? null;
    const { nowMs } = this.#world.scheduler;
    const story = new RunStory({
      plan,
      startedBy,
      objections,
      sawFrom: sign !== null,
      aliveUntil,
      nowMs,
    });
    this.#runs.set(plan.id, story);
    if (plan.kind === "heal") this.#raise(story);
  }

  /** A run got its generation: from now on it acts. */
  claimed(runId: string): void {
    const story = this.#runs.get(runId);
    if (story === undefined || story.claimed) return;
    story.claimed = true;
    this.moves += 1;
    this.#raise(story);
    this.#judgeRollback(story.plan);
  }

  #judgeRollback({ id, kind, from, to, steps }: Plan): void {
    if (kind !== "rollback" || steps.some(({ action }) => action.kind === "approval")) return;
    const isLeft = this.runs.some(
      ({ plan, ended }) =>
        plan.id !== id &&
        [from, to].every((site) => plan.from === site || plan.to === site) &&
        ended !== null &&
        ended !== "completed" &&
        (ended !== "undone" || plan.kind === "rollback"),
    );
    if (isLeft) return;
    const { truth } = this.#world;
    truth.violate("needless-rollback", `${id} stops ${from}, and no move was left half-way`);
  }

  stepRecorded(controller: string, runId: string, record: StepRecord): void {
    const story = this.#runs.get(runId);
    const step = story?.plan.steps.find((one) => one.id === record.id);
    if (story === undefined || step === undefined) return;
    const moves = story.plan.kind !== "heal" && story.plan.kind !== "rollback";
    if (moves && record.status === "running") this.#world.phases.stepBegins(step.action.kind);
    story.stepRecorded(step, record, this.#world.scheduler.nowMs);
    if (story.stoppedMs !== null) {
      this.#world.truth.provenStopped(story.plan.from, story.plan.generation);
    }
    if (step.action.kind === "fence-site") this.#judgeLeaseEnd(controller, story.plan, record);
    if (step.action.kind !== "measure-loss" || record.result === null) return;
    const { from, to } = step.action;
    const measured = this.#measured.get(`${controller} ${from} ${to}`);
    if (measured !== undefined) story.lossMeasured(measured, record.result);
  }

  /** A run wrote a line of its journal. */
  noted(event: RunEvent): void {
    this.#runs.get(event.runId)?.noted(event, this.#world.scheduler.nowMs);
  }

  /**
   * Somebody has read what a step asks and is about to approve it. Null: its record does not say yet
   * which one that is, although its question is there; then nothing is held against them.
   */
  agrees(runId: string, step: string | null, by: string): void {
    this.#runs.get(runId)?.agreed.add(`${step ?? "any"} ${by}`);
  }

  approved(runId: string, step: string | null, by: string): void {
    const story = this.#runs.get(runId);
    if (story === undefined || step === null) return;
    if (!story.agreed.has(`${step} ${by}`) && !story.agreed.has(`any ${by}`)) {
      const { truth } = this.#world;
      truth.violate(
        "unasked-approval",
        `${by} counts for ${step} of ${runId} without having read it`,
      );
    }
    const people = story.approvedBy(step, by);
    const { approversForRisk } = this.#world.settings.policy;
    if (step === "fence-site" && people >= approversForRisk) {
      this.#world.truth.riskAccepted.add(story.plan.generation);
    }
  }

  ended(runId: string, status: string): void {
    const story = this.#runs.get(runId);
    if (story === undefined || story.ended !== null) return;
    const nowMs = this.#world.scheduler.nowMs;
    story.ended = status;
    story.endedMs = nowMs;
    if (status === "superseded") return;
    if (story.plan.kind !== "heal") this.#lastMoveEndedMs = nowMs;
    else if (status !== "undone") this.#healEnds.push({ site: story.plan.to, atMs: nowMs });
  }

  /** A database has just become the primary for `generation`. */
  promoted(site: Site, generation: number): void {
    const { promotion } = site.database;
    if (promotion === null) return;
    const run = this.runs.find((one) => one.claimed && one.plan.generation === generation) ?? null;
    const from = this.#world.site(promotion.from);
    const { truth, settings } = this.#world;
    truth.note(
      `${site.id} is promoted for ${generation} (${promotion.applied} of ${from.database.log.length} applied)`,
    );
    this.#judgeFence(run, from, generation);
    this.losses.promoted(site, promotion, run);
    if (settings.policy.fenceMin === "unproven") truth.riskAccepted.add(generation);
  }

  #judgeFence(run: RunStory | null, from: Site, generation: number): void {
    const { truth, settings } = this.#world;
    const degree = run?.fence ?? "unproven";
    if (fenceAtLeast(degree, settings.policy.fenceMin)) return;
    const people = run?.approvers("fence-site") ?? 0;
    if (people >= settings.policy.approversForRisk) return;
    truth.violate(
      "unproven-fence",
      `promotion for ${generation} although the fence of ${from.id} was ${degree} and ${people} people had accepted that`,
    );
  }

  /** A fence that tells when the lease it sealed had ended is wrong if anything was written later. */
  #judgeLeaseEnd(controller: string, { from, generation }: Plan, { result }: StepRecord): void {
    const endedAtMs = leaseEndedIn(result);
    if (endedAtMs === null) return;
    const endedMs = this.#trueTimeOf(controller, endedAtMs);
    const late = this.#world
      .site(from)
      .database.log.findLast(({ write, epoch }) => write !== null && epoch < generation);
    if (late === undefined || late.acceptedMs <= endedMs + MOMENT_MS) return;
    this.#world.truth.violate(
      "broken-proof",
      `${from} accepted a write ${Math.round(late.acceptedMs - endedMs)} ms after its lease is said to have ended`,
    );
  }

  /** What spoke against the decision, and whether it is too old to be acted on. */
  #objectionsAtStart(controller: string, plan: Plan): readonly Objection[] {
    const act = this.#acts.get(controller);
    if (act === undefined || act.kind !== plan.kind) {
      return [{ invariant: "evidence", sentence: `${plan.kind} ${plan.id} was never decided` }];
    }
    const agoMs = this.#world.scheduler.nowMs - act.atMs;
    if (agoMs <= ACT_AGE_MAX_MS) return act.objections;
    const sentence = `${plan.kind} ${plan.id} acts on a decision that is ${Math.round(agoMs)} ms old`;
    return [...act.objections, { invariant: "hasty", sentence }];
  }

  #objectionsTo(
    controller: string,
    plan: Pick<Plan, "kind" | "from" | "to">,
    nowMs: number,
  ): readonly Objection[] {
    const { policy, vantages, application } = this.#world.settings;
    const { knownShare, domains, witnesses } = this.#hearing(controller).picture(plan.from, nowMs);
    const found: { invariant: string; sentence: string }[] = [];
    const object = (invariant: string, sentence: string): void => {
      found.push({ invariant, sentence: `${plan.kind} to ${plan.to}: ${sentence}` });
    };
    if (knownShare < policy.coverageMin) {
      object("blind", `only ${Math.round(knownShare * 100)} % of the score was known`);
    }
    if (plan.kind === "heal") {
      const recent = this.#healEnds.filter(
        ({ site, atMs }) => site === plan.to && atMs > nowMs - policy.healWindowMs + 1_000,
      );
      if (recent.length >= policy.healsMax) object("flapping", `${recent.length} heals before it`);
      if (domains.length < policy.evidenceMin.heal) object("evidence", "nobody saw anything wrong");
      return found;
    }
    if (plan.kind !== "dr" && plan.kind !== "region") return found;
    const needed = policy.evidenceMin[plan.kind];
    if (domains.length < needed) {
      object(
        "evidence",
        `${domains.join(", ") || "no failure domain"} agreed, ${needed} are needed`,
      );
    }
    if (plan.kind === "dr") {
      const cloud = application.sites.find((site) => site.id === plan.to)?.cloud;
      const seen = vantages.filter((vantage) => witnesses.includes(vantage.id));
      if (!seen.some((vantage) => vantage.cloud === cloud)) {
        object("evidence", `no witness in the target's cloud ${cloud ?? "?"}`);
      }
      if (!seen.some((vantage) => vantage.cloud === null)) object("evidence", "no witness outside");
    }
    const heldMs = nowMs - (this.#belowMs.get(`${controller} ${plan.from} ${plan.kind}`) ?? 0);
    if (heldMs < policy.holdMs[plan.kind] - LOOK_SLACK_MS) {
      object("hasty", `the trouble had held for ${Math.round(heldMs)} ms only`);
    }
    const sinceMoveMs = this.#lastMoveEndedMs === null ? null : nowMs - this.#lastMoveEndedMs;
    if (sinceMoveMs !== null && sinceMoveMs < policy.cooldownMs - 2_000) {
      object("flapping", `the last move ended ${Math.round(sinceMoveMs)} ms before`);
    }
    return found;
  }

  /** When, at a look of this controller, the score was last below the band of each move. */
  #noteScore(controller: string, site: SiteId, lookMs: number): void {
    const { bands } = this.#world.settings.policy;
    const hearing = this.#hearing(controller);
    // An answer that came in the very millisecond of the look may or may not have been seen.
    const points = [-MOMENT_MS, MOMENT_MS].map(
      (asideMs) => hearing.picture(site, lookMs + asideMs).points,
    );
    for (const kind of ["region", "dr"] as const) {
      if (Math.max(...points) < bands[kind])
        this.#belowMs.set(`${controller} ${site} ${kind}`, lookMs);
    }
  }

  #trueTimeOf(controller: string, atMs: number): number {
    const { nowMs } = this.#world.scheduler;
    const clock = this.#world.clockOf(controller);
    return clock === null ? nowMs : nowMs - (clock.now() - atMs);
  }

  #raise({ objections }: RunStory): void {
    for (const { invariant, sentence } of objections) {
      this.#world.truth.violate(invariant, sentence);
    }
  }

  #hearing(controller: string): Hearing {
    const known = this.#hearings.get(controller);
    if (known !== undefined) return known;
    const created = new Hearing(this.#world.settings, this.#world.scheduler);
    this.#hearings.set(controller, created);
    return created;
  }
}
