/**
 * Tells people that a run waits for them.
 *
 * 1. Every question, every failed step and every run that got stuck is told once, and again every
 *    half hour while it lasts: whoever was asleep is asked again.
 * 2. It reads what the run wrote down and changes nothing: a notice that cannot be delivered holds no
 *    run up, and is tried again at the next look.
 * 3. Another process that comes to lead tells once more what waits then: rather twice than never.
 */
import { type RunRecord, messageOf } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { Notice, Notifier } from "../ports/notifier.ts";
import type { RunStore } from "../ports/state-store.ts";
import { withDeadline } from "../waiting/with-deadline.ts";
import { RUNS_READ } from "./run-activity.ts";

const LOOK_EVERY_MS = 2_000;
const NOTICE_LIMIT_MS = 3_000;
const REMIND_AFTER_MS = 1_800_000;

export interface WaitingRunsPorts {
  readonly clock: Clock;
  readonly runs: Pick<RunStore, "list">;
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
  async run(stop: AbortSignal): Promise<void> {
    const { clock, trouble } = this.#ports;
    while (!stop.aborted) {
      await this.look(stop).catch((error: unknown) => {
        if (!stop.aborted) trouble(messageOf(error));
      });
      await clock.sleep(LOOK_EVERY_MS, stop).catch(() => undefined);
    }
  }

  /** Tells what waits now and was not told lately. @throws {CloudPhoenixError} `STATE_UNAVAILABLE` */
  async look(stop: AbortSignal): Promise<void> {
    const { clock, runs } = this.#ports;
    const waiting = (await runs.list(RUNS_READ)).filter((run) => this.#waits(run));
    const told = new Map<string, Told>();
    for (const run of waiting) {
      const subject = subjectOf(run);
      const before = this.#told.get(subject) ?? { times: 0, atMs: Number.NEGATIVE_INFINITY };
      const isDue = clock.now() - before.atMs >= REMIND_AFTER_MS;
      const isTold = isDue && (await this.#tell(noticeOf(run, before.times), stop));
      if (isTold) told.set(subject, { times: before.times + 1, atMs: clock.now() });
      else if (before.times > 0) told.set(subject, before);
    }
    // What waits no longer is forgotten.
    this.#told = told;
  }

  /** A run that got stuck before this process led was told by the one before. */
  #waits({ status, endedAtMs }: RunRecord): boolean {
    if (status === "stuck") return endedAtMs !== null && endedAtMs >= this.#sinceMs;
    return status === "waiting-approval" || status === "needs-attention";
  }

  async #tell(notice: Notice, signal: AbortSignal): Promise<boolean> {
    const { clock, notifier, trouble } = this.#ports;
    const limited = { clock, limitMs: NOTICE_LIMIT_MS, signal, what: "the notice" };
    try {
      await withDeadline(limited, (until) => notifier.notify(notice, until));
      return true;
    } catch (error) {
      if (!signal.aborted) trouble(messageOf(error));
      return false;
    }
  }
}

/** The same for as long as the run waits for the same. */
function subjectOf({ id, status, question, waitingFor }: RunRecord): string {
  return `run-waits:${id}:${status}:${question ?? waitingFor ?? ""}`;
}

function noticeOf(run: RunRecord, timesTold: number): Notice {
  const { id, plan, status, waitingFor, question } = run;
  const still = timesTold === 0 ? "" : "still ";
  const name = `${plan.application}: ${plan.kind} ${id}`;
  const key = `${subjectOf(run)}:${timesTold}`;
  const look = `cloudphoenix run show ${id}`;
  if (status === "stuck") {
    const text = `It could not be taken back by itself. See how far it got: ${look}`;
    return { severity: "critical", title: `${name} is ${still}stuck`, text, key };
  }
  const answer =
    question === null ? look : `cloudphoenix run approve ${id} --question ${question}; ${look}`;
  const title = `${name} ${still}waits for a person`;
  return { severity: "critical", title, text: `${waitingFor ?? status}. ${answer}`, key };
}
