/** What the judge knows of one run, from what the run itself wrote down. Times are true times. */
import type { FenceDegree, Json, Plan, PlanStep, RunEvent, StepRecord } from "@cloudphoenix/core";

/** What speaks against a decision. */
export interface Objection {
  readonly invariant: string;
  readonly sentence: string;
}

/** What really was when a controller asked how much would be lost. */
export interface MeasuredLoss {
  /** True time of the last sign of life of the old site that this controller knew of; null: none. */
  readonly sign: number | null;
  /** The same of whichever controller knew last, those included that are gone. */
  readonly anybodysSign: number | null;
  /** True time at which the old site accepted its newest write; null: none. */
  readonly writtenMs: number | null;
  /** True time of the newest heartbeat at the standby; null: none. */
  readonly beatMs: number | null;
  /** True time of the newest transaction at the standby; null: none. */
  readonly appliedMs: number | null;
  readonly nowMs: number;
}

const ENDS_A_WAIT: readonly RunEvent["kind"][] = [
  "resumed",
  "cancel-asked",
  "step-skipped",
  "step-done",
];

/** Silence of a run that is longer than any step needs where nothing is wrong. */
const HANG_MS = 3_000;

const DEGREES: readonly FenceDegree[] = ["unproven", "network", "lease-expired", "confirmed"];
const PROOFS: readonly FenceDegree[] = ["lease-expired", "confirmed"];

export class RunStory {
  readonly plan: Plan;
  readonly startedBy: string;
  /** Counts once the run has claimed its generation. */
  readonly objections: readonly Objection[];
  /**
   * Until when the old site may have lived, as far as the controller that started the run could know:
   * the last sign of life, or the beginning of its lead. Null: it never led.
   */
  readonly #aliveUntil: number | null;
  /** Whether the controller that started it had ever seen the site it leaves alive. */
  readonly sawFrom: boolean;
  readonly beganMs: number;
  readonly #lines = new Set<string>();
  /** When it got nowhere for long, and when the next record ended that. */
  readonly hangs: { readonly fromMs: number; readonly untilMs: number }[] = [];
  /** Who has read what which step asked, and agrees: the step and the name. */
  readonly agreed: Set<string> = new Set();
  readonly #approvers = new Map<string, Set<string>>();
  fence: FenceDegree | null = null;
  /** True time at which proof was put down that the writers of the old site had stopped; null: none. */
  stoppedMs: number | null = null;
  /**
   * Until when the old site may have taken writes, as far as whoever measured the loss could know: the
   * last sign of life, or the proof that its writers had stopped. Null: not measured.
   */
  sign: number | null = null;
  /** How far the standby really was behind that sign then; null: not measured, or never a beat. */
  behindMs: number | null = null;
  /** Whether the loss was read from the site that was left, not bounded by its heartbeats. */
  wasRead = false;
  /** The bound of the loss that was measured with `sign`, as people were told it. */
  boundMs: number | null = null;
  claimed = false;
  cancelled = false;
  ended: string | null = null;
  endedMs: number | null = null;
  /** Since when it waits for people; null while it does not. */
  waitingSinceMs: number | null = null;
  /** The step it is at, and when that last got anywhere. */
  step: PlanStep | null = null;
  progressMs: number;
  /** When it last went on after people had answered, or began. */
  resumedMs: number;

  constructor(began: {
    readonly plan: Plan;
    readonly startedBy: string;
    readonly objections: readonly Objection[];
    readonly sawFrom: boolean;
    readonly aliveUntil: number | null;
    readonly nowMs: number;
  }) {
    this.plan = began.plan;
    this.startedBy = began.startedBy;
    this.objections = began.objections;
    this.sawFrom = began.sawFrom;
    this.#aliveUntil = began.aliveUntil;
    this.beganMs = began.nowMs;
    this.progressMs = began.nowMs;
    this.resumedMs = began.nowMs;
  }

  stepRecorded(step: PlanStep, { status, result }: StepRecord, nowMs: number): void {
    if (nowMs - this.progressMs > HANG_MS) {
      this.hangs.push({ fromMs: this.progressMs, untilMs: nowMs });
    }
    this.progressMs = nowMs;
    if (status === "running" || status === "failed") this.step = step;
    if (step.action.kind !== "fence-site") return;
    const degree = fieldOf(result, "degree");
    this.fence = DEGREES.find((one) => one === degree) ?? this.fence;
    if (status !== "done" || this.fence === null || !PROOFS.includes(this.fence)) return;
    this.stoppedMs ??= nowMs;
  }

  /**
   * Whoever was told first is right: another controller may only repeat the record. But what is read while
   * people are asked counts more than what had to be bounded before.
   */
  lossMeasured(measured: MeasuredLoss, result: Json): void {
    const isRead = typeof fieldOf(result, "transactions") === "number";
    if (this.sign !== null && (this.wasRead || !isRead)) return;
    const { sign, anybodysSign, writtenMs, beatMs, appliedMs, nowMs } = measured;
    const boundMs = fieldOf(result, "boundMs");
    // A sign that came after the proof says nothing about the time before it.
    const before = sign !== null && sign < (this.stoppedMs ?? sign + 1) ? sign : null;
    const known = before ?? this.#decidedSign(anybodysSign) ?? sign ?? nowMs;
    // What was not written cannot be lost, however long the site may have lived.
    this.sign = Math.min(known, this.stoppedMs ?? known, writtenMs ?? known);
    // Who has read what is missing need not go by heartbeats: those came only as often as somebody led.
    this.wasRead = isRead;
    const completeMs = this.wasRead ? (appliedMs ?? beatMs) : beatMs;
    this.behindMs = completeMs === null ? null : Math.max(0, this.sign - completeMs);
    this.boundMs = typeof boundMs === "number" ? boundMs : null;
  }

  /**
   * Who saw no sign of life may go by what the decision knew, of a site that nobody reached since:
   * neither to fence it nor with a heartbeat. Null: nothing was lost later than now is all they know.
   */
  #decidedSign(anybodysSign: number | null): number | null {
    if (this.fence !== "lease-expired" || this.#aliveUntil === null) return null;
    return Math.max(this.#aliveUntil, anybodysSign ?? 0);
  }

  /** A line of the run's journal; one that arrives twice says nothing the second time. */
  noted({ key, kind, text }: RunEvent, nowMs: number): void {
    // A try that two executors made has two lines, if it did not end for both alike.
    const line = `${key} ${kind}`;
    if (this.#lines.has(line)) return;
    this.#lines.add(line);
    if (kind === "approval-asked" || kind === "waiting") {
      this.waitingSinceMs ??= nowMs;
    } else if (kind === "approved" && this.waitingSinceMs !== null) {
      // Where two people must agree, the second one is asked anew.
      this.waitingSinceMs = nowMs;
    } else if (ENDS_A_WAIT.includes(kind)) {
      // One that makes room is taken back by nobody, and excuses nothing.
      if (kind === "cancel-asked" && !text.startsWith("decision ")) this.cancelled = true;
      if (this.waitingSinceMs !== null) this.resumedMs = nowMs;
      this.waitingSinceMs = null;
    }
  }

  /** @returns how many different people have approved this step by now */
  approvedBy(step: string, by: string): number {
    const people = this.#approvers.get(step) ?? new Set();
    people.add(by.toLowerCase());
    this.#approvers.set(step, people);
    return people.size;
  }

  /** How many different people approved a step. */
  approvers(step: string): number {
    return this.#approvers.get(step)?.size ?? 0;
  }
}

function fieldOf(result: Json, name: string): Json {
  if (typeof result !== "object" || result === null) return null;
  return Object.entries(result).find(([key]) => key === name)?.[1] ?? null;
}
