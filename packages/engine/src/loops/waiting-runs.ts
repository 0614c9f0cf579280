/**
 * Tells people that a run waits for them, that it got stuck, or that it was left half-way.
 *
 * 1. Every question and every failed step is told once, and again every half hour while it lasts:
 *    whoever was asleep is asked again. A run that got stuck is over, and told once. A move that
 *    made room for another one, which did not take over, and a rollback that was given up, are told for
 *    as long as nobody has settled them.
 * 2. It reads what the run wrote down and changes nothing there: a notice that cannot be delivered holds
 *    no run up, and is tried again at the next look.
 * 3. What was told is kept once it is delivered. Another process that comes to lead tells what nobody
 *    was told, and reminds of the rest when it is due. A leader that is lost in between leaves a notice
 *    to be told twice, under the same key: rather that than never.
 */
import { type Json, type RunRecord, leftRunOf } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { Notice, Notifier } from "../ports/notifier.ts";
import type { FactStore, RoleStore, RunStore } from "../ports/state-store.ts";
import { lookAgain } from "../waiting/look-again.ts";
import { tellPeople } from "../waiting/tell-people.ts";
import { RUNS_READ, historyOf } from "./run-activity.ts";

const LOOK_EVERY_MS = 2_000;
/** Enough for the tries of a webhook that is slow to answer. */
const NOTICE_LIMIT_MS = 10_000;
const REMIND_AFTER_MS = 1_800_000;
/** A move that another one made room for has begun by then, if it begins at all. */
const TAKEN_OVER_WITHIN_MS = 30_000;
/** Key of the fact with what people were told. */
const TOLD_KEY = "told-of-runs";

export interface WaitingRunsPorts {
  readonly clock: Clock;
  readonly runs: Pick<RunStore, "list" | "events">;
  readonly roles: Pick<RoleStore, "read">;
  readonly facts: FactStore;
  readonly notifier: Notifier;
  /** Told when a look or a notice failed. */
  readonly trouble: (message: string) => void;
}

/** How often something was told, and when last. */
interface Told {
  readonly times: number;
  readonly atMs: number;
}

/** What every leader knows of it. */
interface ToldOfRuns {
  /** When somebody first kept this: runs that got stuck before are no news. */
  readonly sinceMs: number;
  readonly told: ReadonlyMap<string, Told>;
}

export class WaitingRuns {
  readonly #ports: WaitingRunsPorts;
  readonly #sinceMs: number;
  /** Null before the first look. */
  #known: ToldOfRuns | null = null;
  /** As the state database has it. */
  #kept = "";

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
    const known = this.#known ?? (await this.#recall());
    const recent = await runs.list(RUNS_READ);
    const left = await this.#leftHalfWay(recent);
    const waiting = recent.filter((run) => run === left || waits(run, known.sinceMs));
    const told = new Map<string, Told>();
    for (const run of waiting) {
      const subject = subjectOf(run);
      const before = known.told.get(subject) ?? { times: 0, atMs: Number.NEGATIVE_INFINITY };
      const isTold = this.#isDue(run, before) && (await this.#tellOf(run, before.times, stop));
      if (isTold) told.set(subject, { times: before.times + 1, atMs: clock.now() });
      else if (before.times > 0) told.set(subject, before);
    }
    // What waits no longer is forgotten.
    this.#known = { sinceMs: known.sinceMs, told };
    await this.#keep(this.#known);
  }

  /** The run that was left half-way, and that nobody goes on with; null if there is none. */
  async #leftHalfWay(runs: readonly RunRecord[]): Promise<RunRecord | null> {
    if (!runs.some(isLeft) || runs.some(({ endedAtMs }) => endedAtMs === null)) return null;
    const { past } = historyOf(runs);
    const { active } = await this.#ports.roles.read();
    const found = past === undefined ? null : leftRunOf(past, active);
    const left = runs.find(({ id }) => id === found?.id);
    if (left === undefined || !isLeft(left)) return null;
    // The next one may just be beginning.
    const endedAgoMs = this.#ports.clock.now() - (left.endedAtMs ?? 0);
    return endedAgoMs < TAKEN_OVER_WITHIN_MS ? null : left;
  }

  async #recall(): Promise<ToldOfRuns> {
    const recalled = toldIn(await this.#ports.facts.get(TOLD_KEY));
    if (recalled !== null) this.#kept = JSON.stringify(storedTold(recalled));
    return recalled ?? { sinceMs: this.#sinceMs, told: new Map() };
  }

  /** What could not be kept is kept at the next look; this process knows it already. */
  async #keep(known: ToldOfRuns): Promise<void> {
    const stored = storedTold(known);
    const text = JSON.stringify(stored);
    if (text === this.#kept) return;
    await this.#ports.facts.put(TOLD_KEY, stored);
    this.#kept = text;
  }

  #isDue({ status }: RunRecord, { times, atMs }: Told): boolean {
    if (status === "stuck") return times === 0;
    return this.#ports.clock.now() - atMs >= REMIND_AFTER_MS;
  }

  async #tellOf(run: RunRecord, timesTold: number, stop: AbortSignal): Promise<boolean> {
    if (isLeft(run)) return this.#tell(leftNotice(run, timesTold), stop);
    if (run.status !== "stuck") return this.#tell(questionOf(run, timesTold), stop);
    const events = await this.#ports.runs.events(run.id);
    return this.#tell(
      stuckNotice(run, events.findLast(({ kind }) => kind === "run-ended")?.text ?? "stuck"),
      stop,
    );
  }

  async #tell(notice: Notice, signal: AbortSignal): Promise<boolean> {
    const limited = { ...this.#ports, limitMs: NOTICE_LIMIT_MS };
    const failed = await tellPeople(limited, notice, signal);
    if (failed !== null && !signal.aborted) this.#ports.trouble(failed);
    return failed === null;
  }
}

function waits({ status, endedAtMs }: RunRecord, sinceMs: number): boolean {
  if (status === "stuck") return endedAtMs !== null && endedAtMs >= sinceMs;
  return status === "waiting-approval" || status === "needs-attention";
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
    text: `${how}. See how far it got (cloudphoenix run show ${run.id}) and who may write (cloudphoenix status) before you start another run.`,
    key: subjectOf(run),
  };
}

/** Whether a run that was left half-way is told as such: one that is stuck is told in its own words. */
function isLeft({ status, plan }: RunRecord): boolean {
  return status === "superseded" || (status === "undone" && plan.kind === "rollback");
}

function leftNotice(run: RunRecord, timesTold: number): Notice {
  const { kind, from, to } = run.plan;
  const [active, other] = kind === "rollback" ? [to, from] : [from, to];
  const why =
    run.status === "superseded"
      ? "It made room for another move, and that one did not take over."
      : "It was given up before it had put things right.";
  return {
    severity: "critical",
    title: `${nameOf(run)} ${timesTold === 0 ? "was" : "is still"} left half-way`,
    text: `${why} ${active} may be stopped, and users may be led to ${other}, which takes no writes. Look (cloudphoenix status), then go back (cloudphoenix plan rollback) or on (cloudphoenix plan dr).`,
    key: `${subjectOf(run)}:${timesTold}`,
  };
}

function nameOf({ id, plan }: RunRecord): string {
  return `${plan.application}: ${plan.kind} ${id}`;
}

/** The same text for the same, whatever order it was told or stored in. */
function storedTold({ sinceMs, told }: ToldOfRuns): Json {
  const bySubject = [...told].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const entries = bySubject.map(([key, { times, atMs }]) => [key, { times, atMs }] as const);
  return { sinceMs, told: Object.fromEntries(entries) };
}

function toldIn(stored: Json): ToldOfRuns | null {
  if (typeof stored !== "object" || stored === null || !("told" in stored)) return null;
  const { sinceMs, told }: { readonly sinceMs: number; readonly told: Record<string, Told> } =
    JSON.parse(JSON.stringify(stored));
  return { sinceMs, told: new Map(Object.entries(told)) };
}
