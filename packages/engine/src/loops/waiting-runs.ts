/**
 * Tells people that a run waits for them.
 *
 * 1. Every question and every failed step is told once, and again every half hour while it lasts:
 *    whoever was asleep is asked again. A run that got stuck is over, and told once.
 * 2. It reads what the run wrote down and changes nothing: a notice that cannot be delivered holds no
 *    run up, and is tried again at the next look.
 * 3. Another process that comes to lead tells once more what waits then: rather twice than never.
 */
import type { RunRecord } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { Notice, Notifier } from "../ports/notifier.ts";
import type { RunStore } from "../ports/state-store.ts";
import { lookAgain } from "../waiting/look-again.ts";
import { tellPeople } from "../waiting/tell-people.ts";
import { BROKEN_RUN_KEY } from "./broken-runs.ts";
import { RUNS_READ } from "./run-activity.ts";

const LOOK_EVERY_MS = 2_000;
/** Enough for the tries of a webhook that is slow to answer. */
const NOTICE_LIMIT_MS = 10_000;
const REMIND_AFTER_MS = 1_800_000;

export interface WaitingRunsPorts {
  readonly clock: Clock;
  readonly runs: Pick<RunStore, "list" | "events">;
  readonly notifier: Notifier;
  /** Told when a look or a notice failed. */
  readonly trouble: (message: string) => void;
}

/** How often something was told, and when last. */
interface Told {
  readonly times: number;
  readonly atMs: number;
}

export class WaitingRuns {
  readonly #ports: WaitingRunsPorts;
  readonly #sinceMs: number;
  #told: ReadonlyMap<string, Told> = new Map();

  constructor(ports: WaitingRunsPorts) {
    this.#ports = ports;
    this.#sinceMs = ports.clock.now();
  }

  /** Looks at once, and again and again until `stop` aborts. */
  run(stop: AbortSignal): Promise<void> {
    return lookAgain({ ...this.#ports, everyMs: LOOK_EVERY_MS }, (until) => this.look(until), stop);
  }

  /** Tells what waits now and was not told lately. @throws {CloudPhoenixError} `STATE_UNAVAILABLE` */
  async look(stop: AbortSignal): Promise<void> {
    const { clock, runs } = this.#ports;
    const waiting = (await runs.list(RUNS_READ)).filter((run) => this.#waits(run));
    const told = new Map<string, Told>();
    for (const run of waiting) {
      const subject = subjectOf(run);
      const before = this.#told.get(subject) ?? { times: 0, atMs: Number.NEGATIVE_INFINITY };
      const isTold = this.#isDue(run, before) && (await this.#tellOf(run, before.times, stop));
      if (isTold) told.set(subject, { times: before.times + 1, atMs: clock.now() });
      else if (before.times > 0) told.set(subject, before);
    }
    // What waits no longer is forgotten.
    this.#told = told;
  }

  #isDue({ status }: RunRecord, { times, atMs }: Told): boolean {
    if (status === "stuck") return times === 0;
    return this.#ports.clock.now() - atMs >= REMIND_AFTER_MS;
  }

  async #tellOf(run: RunRecord, timesTold: number, stop: AbortSignal): Promise<boolean> {
    if (run.status !== "stuck") return this.#tell(questionOf(run, timesTold), stop);
    const events = await this.#ports.runs.events(run.id);
    // Whoever ended its record has told people already.
    if (events.some(({ key }) => key === BROKEN_RUN_KEY)) return true;
    return this.#tell(stuckNotice(run, events.at(-1)?.text ?? "stuck"), stop);
  }

  /** A run that got stuck before this process led was told by the one before. */
  #waits({ status, endedAtMs }: RunRecord): boolean {
    if (status === "stuck") return endedAtMs !== null && endedAtMs >= this.#sinceMs;
    return status === "waiting-approval" || status === "needs-attention";
  }

  async #tell(notice: Notice, signal: AbortSignal): Promise<boolean> {
    const limited = { ...this.#ports, limitMs: NOTICE_LIMIT_MS };
    const failed = await tellPeople(limited, notice, signal);
    if (failed !== null && !signal.aborted) this.#ports.trouble(failed);
    return failed === null;
  }
}

/** The same for as long as the run waits for the same. */
function subjectOf({ id, status, question, waitingFor }: RunRecord): string {
  return `run-waits:${id}:${status}:${question ?? waitingFor ?? ""}`;
}

function questionOf(run: RunRecord, timesTold: number): Notice {
  const { id, status, waitingFor, question } = run;
  const still = timesTold === 0 ? "" : "still ";
  const look = `cloudphoenix run show ${id}`;
  const answer =
    question === null ? look : `cloudphoenix run approve ${id} --question ${question}; ${look}`;
  return {
    severity: "critical",
    title: `${nameOf(run)} ${still}waits for a person`,
    text: `${waitingFor ?? status}. ${answer}`,
    key: `${subjectOf(run)}:${timesTold}`,
  };
}

function stuckNotice(run: RunRecord, how: string): Notice {
  return {
    severity: "critical",
    title: `${nameOf(run)} is stuck`,
    text: `${how}. See how far it got: cloudphoenix run show ${run.id}`,
    key: subjectOf(run),
  };
}

function nameOf({ id, plan }: RunRecord): string {
  return `${plan.application}: ${plan.kind} ${id}`;
}
