/**
 * Looks, decides, acts: the loop that makes CloudPhoenix act by itself.
 *
 * 1. One look at a time; a change of an answer only makes the next look come sooner.
 * 2. Nothing a site does can hold up a look: what it needs from sites is gathered elsewhere.
 * 3. Every change of mind is in the audit log before it is acted on.
 * 4. Only the leader decides; without a leader's signal nothing here runs.
 * 5. What operators ask for goes through the same launcher and the same guards.
 */
import {
  type Decision,
  type LastAlive,
  type LevelState,
  type Plan,
  type PlanKind,
  type QuarantineFact,
  type Roles,
  type Situation,
  decide,
  scoreOf,
  explainDecision,
  hasCode,
  messageOf,
  reservationsIn,
} from "@cloudphoenix/core";
import type { Notifier } from "../ports/notifier.ts";
import type { AuditLog, RoleStore } from "../ports/state-store.ts";
import { tellPeople } from "../waiting/tell-people.ts";
import { withDeadline } from "../waiting/with-deadline.ts";
import { aliveFacts } from "../steps/decided-alive.ts";
import { NOTHING_DETECTED, advanceDetection, detectedAtMs, detectionKey } from "./detection.ts";
import { Maintenance, type MaintenanceState } from "./maintenance.ts";
import {
  type OperatorDesk,
  type PlannedRequest,
  type RequestedPlan,
  type RequestedRun,
  dryRunRequest,
  requireLead,
  startRequest,
} from "./operator-request.ts";
import { RunLauncher, type RunLauncherPorts } from "./run-launcher.ts";
import { StandbyWatch, type StandbyWatchPorts } from "./standby-watch.ts";
import type { Watch } from "./watch.ts";

const TICK_MS = 250;
/** While nothing is wrong: every change of an answer wakes the loop at once, so only ageing waits. */
const CALM_TICK_MS = 1_000;
const DECISIONS_KEPT = 200;
/** The state store is near; if it takes longer, the look is given up and comes again. */
const LOOK_LIMIT_MS = 5_000;
const TELL_AGAIN_AFTER_MS = 10_000;

/** What decides, apart from the ports. Validated configuration. */
export type DecisionSettings = Pick<Situation, "application" | "policy" | "signals" | "vantages">;

export interface DecisionLoopPorts
  extends RunLauncherPorts,
    Omit<StandbyWatchPorts, "application"> {
  readonly roles: RoleStore;
  readonly audit: AuditLog;
  readonly notifier: Notifier;
  readonly watch: Watch;
  readonly handlers: OperatorDesk["handlers"];
  readonly traffic: OperatorDesk["traffic"];
  /** Returned old primaries, as they are known now; never waits. Default: none. */
  readonly quarantined?: () => readonly QuarantineFact[];
}

/** What subscribers are told. */
export type LoopEvent =
  | { readonly kind: "decision"; readonly decision: Decision; readonly changed: boolean }
  | { readonly kind: "run-started"; readonly plan: Plan }
  | { readonly kind: "run-ended"; readonly runId: string }
  /** A look failed; the next one comes all the same. */
  | { readonly kind: "trouble"; readonly atMs: number; readonly message: string };

export class DecisionLoop {
  readonly #settings: DecisionSettings;
  readonly #ports: DecisionLoopPorts;
  readonly #launcher: RunLauncher;
  readonly #standbys: StandbyWatch;
  readonly #maintenance: Maintenance;
  readonly #listeners = new Set<(event: LoopEvent) => void>();
  readonly #decisions: Decision[] = [];
  #situation: Situation | null = null;
  #levels: Readonly<Record<string, LevelState>> = {};
  #lastAlive: LastAlive | null = null;
  #watchedSince: LastAlive | null = null;
  #detected = NOTHING_DETECTED;
  #mind: string | null = null;
  /** Key of what people are being told; null if the newest mind needs nobody. */
  #asks: string | null = null;
  #roles: Roles | null = null;
  #wake: () => void = () => undefined;
  #running: AbortSignal | null = null;

  constructor(settings: DecisionSettings, ports: DecisionLoopPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#standbys = new StandbyWatch({ ...ports, application: settings.application });
    this.#maintenance = new Maintenance(ports);
    this.#launcher = new RunLauncher(ports, (runId) => {
      this.#tell({ kind: "run-ended", runId });
      this.#wake();
    });
  }

  /** Decides until `lost` aborts: while this process leads. */
  async run(lost: AbortSignal): Promise<void> {
    this.#running = lost;
    // Hysteresis starts anew with every leader: what another process saw is not ours to judge.
    this.#levels = {};
    this.#detected = NOTHING_DETECTED;
    this.#mind = null;
    // While another one led, the site may have lived on.
    this.#lastAlive = null;
    this.#watchedSince = null;
    this.#maintenance.forget();
    const unsubscribe = this.#ports.watch.subscribe(() => this.#wake());
    const standbys = this.#watchStandbys(lost);
    try {
      while (!lost.aborted) {
        await this.#lookSafely(lost);
        await this.#rest(lost);
      }
    } finally {
      unsubscribe();
      this.#running = null;
      await standbys;
    }
  }

  /** Newest first, at most 200. */
  get decisions(): readonly Decision[] {
    return this.#decisions.toReversed();
  }

  /** What the newest decision was made from; null before the first. */
  get situation(): Situation | null {
    return this.#situation;
  }

  /** The newest decision and the whole reasoning behind it; null before the first. */
  explain(): { readonly text: string; readonly decision: Decision } | null {
    const decision = this.#decisions.at(-1);
    if (decision === undefined || this.#situation === null) return null;
    return { text: explainDecision(decision, this.#situation), decision };
  }

  /** Calls `listener` at every event until the returned function is called. */
  subscribe(listener: (event: LoopEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** An id for a run that is asked for; nobody has it yet. */
  newRunId(kind: PlanKind): string {
    return this.#launcher.newId(kind);
  }

  /**
   * Starts a run an operator asks for. Asked again with the id of one that was started, it starts none.
   * @throws {CloudPhoenixError} `GUARD_BLOCKED` naming every blocker, `NOT_LEADER`,
   *   `PLAN_REFUSED`, `ALREADY_RUNNING`
   */
  async request(wanted: RequestedRun): Promise<Plan> {
    const plan = await startRequest(this.#desk(), wanted);
    this.#tell({ kind: "run-started", plan });
    return plan;
  }

  /** What such a run would do and what stands against it; changes nothing. */
  async planDryRun(wanted: PlannedRequest, signal: AbortSignal): Promise<RequestedPlan> {
    return dryRunRequest(this.#desk(), wanted, signal);
  }

  /**
   * Switches automatic action off or on again; kept across restarts.
   * @throws {CloudPhoenixError} `NOT_LEADER`
   */
  async maintenance(change: Omit<MaintenanceState, "atMs">): Promise<MaintenanceState> {
    requireLead(this.#running);
    const state = await this.#maintenance.set(change);
    this.#wake();
    return state;
  }

  #desk(): OperatorDesk {
    const { clock, entry, handlers, traffic } = this.#ports;
    return {
      clock,
      entry,
      traffic,
      handlers,
      launcher: this.#launcher,
      lost: this.#running,
      situation: () => this.#gather(),
    };
  }

  async #lookSafely(lost: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    try {
      const look = { clock, limitMs: LOOK_LIMIT_MS, signal: lost, what: "a look at the state" };
      const situation = await withDeadline(look, () => this.#gather());
      if (!lost.aborted) await this.#conclude(situation, lost);
    } catch (error) {
      if (lost.aborted) return;
      this.#tell({ kind: "trouble", atMs: clock.now(), message: messageOf(error) });
    }
  }

  async #gather(): Promise<Situation> {
    const { clock, roles, watch } = this.#ports;
    const now = await roles.read();
    this.#roles = now;
    if (this.#watchedSince?.site !== now.active) {
      this.#watchedSince = { site: now.active, atMs: clock.now() };
    }
    await this.#standbys.recall(now.active);
    const maintenance = await this.#maintenance.reason();
    const activity = await this.#launcher.activity(maintenance);
    return {
      ...this.#settings,
      nowMs: clock.now(),
      roles: now,
      observations: watch.observations,
      sights: watch.sights,
      levels: this.#levels,
      standbys: this.#standbys.facts(now.active),
      activity,
      lastAlive: this.#lastAlive,
      watchedSince: this.#watchedSince,
      leaseEnded: this.#standbys.leaseEnded(now.active),
      quarantined: this.#ports.quarantined?.() ?? [],
    };
  }

  async #conclude(situation: Situation, lost: AbortSignal): Promise<void> {
    const decision = decide(situation);
    this.#situation = situation;
    this.#levels = decision.levels;
    this.#lastAlive = decision.lastAlive ?? null;
    this.#detected = advanceDetection(this.#detected, decision, situation.policy);
    this.#decisions.push(decision);
    if (this.#decisions.length > DECISIONS_KEPT) this.#decisions.shift();
    const changed = await this.#recordChange(decision);
    this.#tell({ kind: "decision", decision, changed });
    if (decision.action.kind === "act") await this.#act(decision, situation, lost);
  }

  /** Writes a change of mind down and tells people if it needs them. */
  async #recordChange(decision: Decision): Promise<boolean> {
    const { action, verdict, atMs } = decision;
    const plan = "plan" in action ? ` ${action.plan ?? ""}` : "";
    const mind = `${verdict}: ${action.kind}${plan}`;
    if (mind === this.#mind) return false;
    await this.#ports.audit.append({
      atMs,
      who: "decision",
      what: mind,
      why: action.because,
      detail: { active: decision.active, generation: decision.generation },
    });
    this.#mind = mind;
    this.#asks = null;
    if (action.kind === "page" || action.kind === "blocked") void this.#page(decision, mind);
    return true;
  }

  /** Until people are told, something else is thought, or another one leads. */
  async #page({ action, atMs }: Decision, mind: string): Promise<void> {
    const { clock } = this.#ports;
    const signal = this.#running ?? AbortSignal.abort();
    const title = `${this.#settings.application.name} needs a person (${mind})`;
    const notice = {
      severity: "critical",
      title,
      text: action.because,
      key: `decision-${atMs}`,
    } as const;
    this.#asks = notice.key;
    while (!signal.aborted && this.#asks === notice.key) {
      const failed = await tellPeople(this.#ports, notice, signal);
      if (failed === null) return;
      this.#tell({ kind: "trouble", atMs: clock.now(), message: failed });
      await clock.sleep(TELL_AGAIN_AFTER_MS, signal).catch(() => undefined);
    }
  }

  async #act(decision: Decision, situation: Situation, lost: AbortSignal): Promise<void> {
    const { action } = decision;
    if (action.kind !== "act") return;
    const detected = detectedAtMs(this.#detected, action.plan);
    const renewals = this.#standbys.leaseRenewals(situation.roles.active);
    const plan = await this.#launcher.launch(
      {
        request: {
          kind: action.plan,
          application: situation.application,
          roles: situation.roles,
          target: action.target,
          reason: action.because,
          approvers: action.approvers,
          reservations: reservationsIn(decision.guards),
          score: scoreOf(decision, action.target),
        },
        startedBy: "decision",
        decidedAtMs: situation.nowMs,
        facts: (runId) => ({
          ...aliveFacts(situation, renewals, runId),
          ...(detected === null ? {} : { [detectionKey(runId)]: detected }),
        }),
      },
      lost,
    );
    this.#tell({ kind: "run-started", plan });
  }

  /** Until the roles are known there is no telling which sites stand by. */
  async #watchStandbys(lost: AbortSignal): Promise<void> {
    const { application } = this.#settings;
    const first = application.sites[0]?.id ?? "";
    await this.#standbys.run(() => this.#roles?.active ?? first, lost);
  }

  /** Until the next look is due or something has changed. */
  async #rest(lost: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    try {
      const restMs = this.#isCalm() ? CALM_TICK_MS : TICK_MS;
      await this.#ports.clock.sleep(restMs, AbortSignal.any([lost, woken.signal]));
    } catch (error) {
      if (!hasCode(error, "ABORTED")) throw error;
    }
    this.#wake = () => undefined;
  }

  #isCalm(): boolean {
    const newest = this.#decisions.at(-1);
    return newest?.verdict === "none" && newest.score.points === 0;
  }

  #tell(event: LoopEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
