/**
 * Starts runs, one at a time.
 *
 * 1. From the moment a run is being started it counts as running, although its record appears only
 *    when the runner gets to it: two decisions in a row cannot start two runs.
 *    The same is true of runs that the engine resumes under this leader: a run whose first note was
 *    not written when its last leader died has no record yet, and writes it soon.
 * 2. What makes room (a heal for a move, a rejoin for anything else, a heal of a standby for one of
 *    the active site, a move that cannot go on for a failover) is cancelled and has ended before the
 *    other run starts.
 * 3. A plan the linter objects to is never started.
 * 4. A decision that grew old on the way, because the state was slow or another run had to end
 *    first, starts nothing: what it was made from may be over. The same is true of one that was to
 *    replace a heal of the active site if that heal has worked. The next look decides anew. Where a
 *    move made room that has stopped its site, the next one starts however long that took: the
 *    application must not be left to nobody.
 */
import {
  type Activity,
  CloudPhoenixError,
  type Json,
  type Plan,
  type PlanKind,
  type PlanRequest,
  type RunRecord,
  type RunningRun,
  hasCode,
  lintPlan,
  type NextUndertaking,
  planFor,
  supersedes,
} from "@cloudphoenix/core";
import type { Clock, Random } from "../ports/clock.ts";
import type { PlanRunner } from "../ports/plan-runner.ts";
import type { Fencer } from "../ports/site-control.ts";
import type { FactStore, RunStore } from "../ports/state-store.ts";
import { fenceDeadlineMs } from "../steps/step-ports.ts";
import { withDeadline } from "../waiting/with-deadline.ts";
import { pastRuns } from "./past-runs.ts";
import { RUNS_READ, historyOf, isMove, runningOf } from "./run-activity.ts";

/**
 * Records of a run change without us (it goes on after a restart), so they are read again. While no
 * run is alive nobody but this launcher, of the only leader, can start one: then they keep.
 */
const RECORDS_LAST_MS = 1_000;
const QUIET_RECORDS_LAST_MS = 30_000;
/** After this long a state database that could not say whether a run has ended is asked again. */
const ASK_AGAIN_MS = 1_000;
/** A cancelled run aborts its step at once; much longer means that its runner is gone. */
const RUN_ENDS_WITHIN_MS = 10_000;
/** As long as the answers of a default probe: an older picture would not be decided from either. */
const DECISION_LASTS_MS = 3_500;

export interface RunLauncherPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly runner: PlanRunner;
  readonly runs: RunStore;
  readonly facts: FactStore;
  /** The means a fence has: its step must last as long as the slowest of them. */
  readonly fencers: readonly Fencer[];
  /** Runs that the runner took over from an earlier leader. Default: none. */
  readonly resumed?: readonly RunningRun[];
}

/** Everything about a run. */
export interface Launch {
  /** From `newId`. Launched again, it is the same run. Default: a new one. */
  readonly id?: string;
  readonly request: Omit<PlanRequest, "id" | "nowMs">;
  readonly startedBy: string;
  /** When the picture was taken this was decided from; people's requests do not grow old. */
  readonly decidedAtMs?: number;
  /** Facts to keep beside the run, known before its first step. */
  readonly facts: (runId: string) => Readonly<Record<string, Json>>;
}

export class RunLauncher {
  readonly #ports: RunLauncherPorts;
  readonly #onEnd: (runId: string) => void;
  #current: RunningRun | null = null;
  /** Taken over, and without a record so far; each with what ends the wait for its end. */
  readonly #resumed = new Map<RunningRun, AbortController>();
  /** Runs that were told to make room, and went on: people hold them back. */
  readonly #keepsPlace = new Set<string>();
  #records: readonly RunRecord[] = [];
  #readAtMs: number | null = null;

  /** `onEnd` is told the id of every run started here, once it has ended. */
  constructor(ports: RunLauncherPorts, onEnd: (runId: string) => void) {
    this.#ports = ports;
    this.#onEnd = onEnd;
    for (const run of ports.resumed ?? []) this.#resumed.set(run, new AbortController());
    for (const [run, seen] of this.#resumed) void this.#untilEnded(run, seen.signal);
  }

  /** What runs and what ran; `maintenance` is added by the caller. */
  async activity(maintenance: string | null): Promise<Activity> {
    const { clock, runs } = this.#ports;
    const lastMs = this.#running() === null ? QUIET_RECORDS_LAST_MS : RECORDS_LAST_MS;
    const stale = this.#readAtMs === null || clock.now() - this.#readAtMs >= lastMs;
    if (stale) {
      this.#records = await runs.list(RUNS_READ);
      this.#readAtMs = clock.now();
      this.#forgetRecorded();
    }
    return { running: this.#running(), ...historyOf(this.#records), maintenance };
  }

  #running(): RunningRun | null {
    const [unrecorded] = this.#resumed.keys();
    const recorded = runningOf(this.#records);
    // Its record knows more, once there is one.
    if (this.#current !== null && this.#current.id !== recorded?.id) return this.#current;
    const running = recorded ?? unrecorded ?? null;
    if (running?.stage !== "asking" || !this.#keepsPlace.has(running.id)) return running;
    return { ...running, stage: "under-way" };
  }

  /** What has a record speaks for itself. */
  #forgetRecorded(): void {
    for (const [run, seen] of this.#resumed) {
      if (!this.#records.some(({ id }) => id === run.id)) continue;
      seen.abort();
      this.#resumed.delete(run);
    }
  }

  /** One that breaks off before its first note never gets a record. */
  async #untilEnded(run: RunningRun, seen: AbortSignal): Promise<void> {
    while (!(await this.#hasEnded(run, seen)) && !seen.aborted) {
      await this.#ports.clock.sleep(ASK_AGAIN_MS, seen).catch(() => undefined);
    }
    if (seen.aborted) return;
    this.#resumed.delete(run);
    this.#readAtMs = null;
  }

  /** False if nobody could say; then it may live. */
  async #hasEnded(run: RunningRun, seen: AbortSignal): Promise<boolean> {
    try {
      await this.#ports.runner.ended(run.id, seen);
      return true;
    } catch (error) {
      return !(error instanceof CloudPhoenixError && error.retryable);
    }
  }

  /** The plan a launch would start, with an id of its own. */
  plan(request: Launch["request"], id: string = this.newId(request.kind)): Plan {
    const { clock, fencers } = this.#ports;
    const deadlineMs = fenceDeadlineMs(fencers);
    return planFor({ fenceDeadlineMs: deadlineMs, ...request, id, nowMs: clock.now() });
  }

  /**
   * Starts a run and returns its plan. `stop` ends the wait for a run that makes room.
   * @throws {CloudPhoenixError} `PLAN_REFUSED` with everything the linter found,
   *   `ALREADY_RUNNING` if another run got in between, `TIMED_OUT` if that run does not end
   *   or the decision is too old by then, `CONFLICT` if that run was a heal and has worked
   */
  async launch(launch: Launch, stop: AbortSignal): Promise<Plan> {
    const { runner, facts } = this.#ports;
    const plan = this.plan(launch.request, launch.id);
    refuseBadPlan(plan, launch);
    const running = (await this.activity(null)).running;
    const { active } = launch.request.roles;
    if (running !== null && !supersedes(nextOf(plan), running, active)) {
      throw alreadyRunning(running);
    }
    this.#current = { id: plan.id, kind: plan.kind, to: plan.to };
    try {
      if (running !== null) {
        await this.#makeRoom(running, plan, stop);
        await this.#refuseHealed(launch, running);
      }
      for (const [key, value] of Object.entries(launch.facts(plan.id))) await facts.put(key, value);
      if (running === null || !(await this.#isLeftHalfWay(running))) this.#refuseOld(launch);
      await runner.start(plan, launch.startedBy);
    } catch (error) {
      this.#current = null;
      throw error;
    }
    void this.#follow(plan.id, stop);
    return plan;
  }

  #refuseOld({ decidedAtMs, request }: Launch): void {
    if (decidedAtMs === undefined) return;
    const ageMs = this.#ports.clock.now() - decidedAtMs;
    if (ageMs <= DECISION_LASTS_MS) return;
    throw new CloudPhoenixError(
      "TIMED_OUT",
      `${request.kind} was decided ${ageMs} ms ago and is not started any more`,
      { retryable: true, hint: "Find out what made the state database slow." },
    );
  }

  /** The cancel may come too late: then the trouble it was decided from may be mended. */
  async #refuseHealed(
    { decidedAtMs, request }: Launch,
    { id, kind, to }: RunningRun,
  ): Promise<void> {
    if (decidedAtMs === undefined || kind !== "heal" || to !== request.roles.active) return;
    const run = await this.#ports.runs.get(id);
    if (run?.status !== "completed") return;
    this.#readAtMs = null;
    throw new CloudPhoenixError(
      "CONFLICT",
      `${request.kind} was decided before ${id} had healed ${to} and is not started`,
      { retryable: true, hint: "Look at the next decision: it knows of the heal." },
    );
  }

  /** Whether a move made room that has stopped its site or led users away, and undoes nothing. */
  async #isLeftHalfWay({ id, kind }: RunningRun): Promise<boolean> {
    if (!isMove(kind)) return false;
    const run = await this.#ports.runs.get(id);
    return (
      run !== null &&
      pastRuns([run]).some(({ touched, opening }) => touched && opening !== "opened")
    );
  }

  async #makeRoom(earlier: RunningRun, plan: Plan, stop: AbortSignal): Promise<void> {
    const { clock, runner } = this.#ports;
    const reason = `superseded by ${plan.kind} ${plan.id}`;
    try {
      const supersededBy = plan.id;
      const cancel = { kind: "cancel", by: "decision", reason, supersededBy } as const;
      await runner.command(earlier.id, cancel, `supersede-${earlier.id}-${plan.id}`);
    } catch (error) {
      // It ended by itself in the meantime.
      if (hasCode(error, "NOT_FOUND")) return;
      throw error;
    }
    try {
      await withDeadline(
        { clock, limitMs: RUN_ENDS_WITHIN_MS, signal: stop, what: `the end of ${earlier.id}` },
        (limited) => runner.ended(earlier.id, limited),
      );
    } catch (error) {
      if (hasCode(error, "TIMED_OUT")) this.#keepsPlace.add(earlier.id);
      throw error;
    }
  }

  async #follow(runId: string, stop: AbortSignal): Promise<void> {
    try {
      await this.#ports.runner.ended(runId, stop);
    } catch {
      // Why a run broke off is for its own records to say; they are read again now.
    }
    if (this.#current?.id === runId) this.#current = null;
    this.#readAtMs = null;
    if (!stop.aborted) this.#onEnd(runId);
  }

  /** Sorts by time, says what it is, and does not repeat. */
  newId(kind: PlanKind): string {
    const { clock, random } = this.#ports;
    const chance = Math.floor(random.next() * 0x1_0000)
      .toString(16)
      .padStart(4, "0");
    return `${kind}-${clock.now().toString(36)}-${chance}`;
  }
}

function nextOf({ kind, to, steps }: Plan): NextUndertaking {
  return { kind, to, asksNobody: !steps.some(({ action }) => action.kind === "approval") };
}

function alreadyRunning(running: RunningRun): CloudPhoenixError {
  return new CloudPhoenixError("ALREADY_RUNNING", `run ${running.id} is under way`, {
    retryable: true,
    hint:
      running.stage === "opened"
        ? `Wait until ${running.id} has ended, or answer what it asks.`
        : `Wait until ${running.id} has ended, or cancel it.`,
  });
}

function refuseBadPlan(plan: Plan, { request }: Launch): void {
  const findings = lintPlan(plan, request.application);
  if (findings.length === 0) return;
  const sentences = findings.map((finding) => finding.sentence).join(" ");
  throw new CloudPhoenixError("PLAN_REFUSED", `the plan is refused: ${sentences}`, {
    retryable: false,
    hint: "Report this: the planner made a plan its own linter refuses.",
  });
}
