/**
 * Asks every target at its interval and reports what it found.
 *
 * Invariants:
 * 1. A target has at most one question in flight; one that is due meanwhile is skipped and counted,
 *    never queued.
 * 2. A question ends at its timeout, whatever the target does.
 * 3. Wheel time runs on this process being awake. If it was stopped, or the clock jumped, no target
 *    is blamed for it: at most `STRIDE_MAX_MS` passes per wake-up, the rest is counted as stalled.
 * 4. Questions are spread over the interval by a hash of the target, so thousands do not ask at once
 *    and a restart asks at the same phase.
 */
import { hasCode, type Status } from "@cloudphoenix/core";
import type { Clock, ObservationListener, ObservationSource, Random } from "@cloudphoenix/engine";
import { HttpAsker, type Question } from "./http-asker.ts";
import { LagMeter } from "./lag-meter.ts";
import type { CanaryGroup, ProbeTarget, Verdict } from "./probe-target.ts";
import { SightKeeper } from "./sight-keeper.ts";
import { TimerWheel } from "./timer-wheel.ts";

/** Every twelfth question opens a new connection: kept ones are blind to a full accept queue,
 * a changed address or an expired certificate. At 5 s that is once a minute. */
const FRESH_EVERY = 12;
/**
 * Phases are multiples of this. Questions that start together have answers that arrive together, and
 * a wake-up is dear: at 1,000 a second this takes a third off the processor time, against phases of
 * 10 ms (bench/probe).
 */
const BATCH_MS = 50;
/** Longest nap; bounds how late `stop` and the first tick after an empty stretch are noticed. */
const NAP_MAX_TICKS = 10;
/** Most wheel time one wake-up may pass. */
const STRIDE_MAX_MS = 250;

export interface ProbeWheelOptions {
  readonly targets: readonly ProbeTarget[];
  readonly canaries: readonly CanaryGroup[];
  readonly clock: Clock;
  /** Chooses at which of its probes each target first opens a new connection. */
  readonly random: Random;
}

/** Plain numbers for metrics; counts are from the start. */
export interface ProbeWheelMetrics {
  readonly probes: number;
  /** Questions open now. */
  readonly inFlight: number;
  /** Questions skipped because the one before had not ended. */
  readonly overruns: number;
  readonly freshProbes: number;
  /** Of those, how many found the target unhealthy. */
  readonly freshFailures: number;
  /** Questions repeated because a kept connection had been closed by the other side. */
  readonly staleConnections: number;
  /** How late probes started, over the last 4096. */
  readonly latenessP50Ms: number;
  readonly latenessP99Ms: number;
  readonly latenessMaxMs: number;
  /** Time in which this process did not run, or the clock jumped. */
  readonly stalledMs: number;
}

/** A target, or a canary, with the state of its questions. */
interface Probe {
  readonly asker: HttpAsker;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly report: (outcome: Outcome) => void;
  asked: number;
  /** Number of the question in flight; 0 if none. */
  inFlight: number;
  question: Question | null;
}

interface Outcome {
  readonly verdict: Verdict;
  readonly answered: boolean;
  /** On the wheel and on the clock. */
  readonly askedAtWheelMs: number;
  readonly askedAtMs: number;
  readonly latencyMs: number;
}

/** What the wheel carries: "ask now", or "give up if this question is still open". */
type Turn =
  | { readonly kind: "ask"; readonly probe: Probe }
  | { readonly kind: "expire"; readonly probe: Probe; readonly number: number };

/** An observation source of HTTP probes. Starts once. */
export class ProbeWheel implements ObservationSource {
  readonly #options: ProbeWheelOptions;
  readonly #wheel = new TimerWheel<Turn>();
  readonly #lag = new LagMeter();
  readonly #stopping = new AbortController();
  #probes: readonly Probe[] = [];
  #running: Promise<void> | null = null;
  #wheelMs = 0;
  #lastNowMs = 0;
  readonly #counts = { probes: 0, overruns: 0, freshProbes: 0, freshFailures: 0, stalledMs: 0 };

  constructor(options: ProbeWheelOptions) {
    this.#options = options;
  }

  start(listener: ObservationListener): void {
    if (this.#running !== null) throw new Error("a probe wheel starts once");
    this.#probes = [
      ...this.#options.targets.map((target) =>
        this.#place(target, phaseKey(target), (outcome) => {
          listener.observed({
            signal: target.signal,
            vantage: target.vantage,
            atMs: outcome.askedAtMs,
            status: outcome.verdict.status,
            detail: outcome.verdict.detail,
            latencyMs: outcome.answered ? outcome.latencyMs : null,
          });
        }),
      ),
      ...this.#options.canaries.flatMap((group) => this.#placeCanaries(group, listener)),
    ];
    this.#lastNowMs = this.#options.clock.now();
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    for (const { asker, question } of this.#probes) {
      question?.drop();
      asker.close();
    }
  }

  metrics(): ProbeWheelMetrics {
    const { p50Ms, p99Ms, maxMs } = this.#lag.lateness();
    return {
      ...this.#counts,
      inFlight: this.#probes.filter((probe) => probe.inFlight !== 0).length,
      staleConnections: this.#probes.reduce((sum, { asker }) => sum + asker.staleConnections, 0),
      latenessP50Ms: p50Ms,
      latenessP99Ms: p99Ms,
      latenessMaxMs: maxMs,
    };
  }

  #placeCanaries(group: CanaryGroup, listener: ObservationListener): readonly Probe[] {
    const sight = new SightKeeper(group.intervalMs);
    return group.urls.map((url) => {
      const target = { ...group, url, expect: "http-ok" } as const;
      return this.#place(target, `${group.vantage} ${url}`, (outcome) => {
        sight.heard(outcome.askedAtWheelMs, outcome.verdict.status === "healthy");
        const sees = sight.sees(this.#wheelMs);
        const atMs = outcome.askedAtMs;
        if (sees !== null) listener.sighted({ vantage: group.vantage, atMs, sees });
      });
    });
  }

  #place(
    target: Pick<ProbeTarget, "url" | "expect" | "intervalMs" | "timeoutMs" | "headers">,
    key: string,
    report: (outcome: Outcome) => void,
  ): Probe {
    const probe: Probe = {
      asker: new HttpAsker(target),
      intervalMs: target.intervalMs,
      timeoutMs: target.timeoutMs,
      report,
      // Not all targets may take their fresh connection in the same minute.
      asked: Math.floor(this.#options.random.next() * FRESH_EVERY),
      inFlight: 0,
      question: null,
    };
    const phaseMs = Math.floor((hash(key) % target.intervalMs) / BATCH_MS) * BATCH_MS;
    this.#wheel.schedule({ kind: "ask", probe }, phaseMs);
    return probe;
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#advance(clock.now());
      const napMs = this.#wheel.nextMs(NAP_MAX_TICKS) - this.#wheelMs;
      try {
        await clock.sleep(Math.max(0, napMs), signal);
      } catch (error) {
        if (!hasCode(error, "ABORTED") && !signal.aborted) throw error;
      }
    }
  }

  #advance(nowMs: number): void {
    const passedMs = nowMs - this.#lastNowMs;
    const strideMs = Math.min(Math.max(passedMs, 0), STRIDE_MAX_MS);
    const lostMs = Math.abs(passedMs - strideMs);
    this.#counts.stalledMs += lostMs;
    this.#lastNowMs = nowMs;
    this.#wheelMs += strideMs;
    this.#wheel.advance(this.#wheelMs, (turn, dueMs) => {
      if (turn.kind === "expire") {
        if (turn.probe.inFlight === turn.number) turn.probe.question?.expire(turn.probe.timeoutMs);
        return;
      }
      this.#lag.add(this.#wheelMs + lostMs - dueMs);
      this.#wheel.schedule(turn, dueMs + turn.probe.intervalMs);
      if (turn.probe.inFlight === 0) this.#ask(turn.probe);
      else this.#counts.overruns += 1;
    });
  }

  #ask(probe: Probe): void {
    const { clock } = this.#options;
    const askedAtMs = clock.now();
    const askedAtWheelMs = this.#wheelMs;
    probe.asked += 1;
    this.#counts.probes += 1;
    const number = probe.asked;
    const fresh = number % FRESH_EVERY === 0;
    probe.inFlight = number;
    this.#wheel.schedule({ kind: "expire", probe, number }, askedAtWheelMs + probe.timeoutMs);
    probe.question = probe.asker.ask(fresh, ({ verdict, answered }) => {
      probe.inFlight = 0;
      probe.question = null;
      if (this.#stopping.signal.aborted) return;
      this.#countFresh(fresh, verdict.status);
      const latencyMs = Math.max(0, clock.now() - askedAtMs);
      probe.report({ verdict, answered, askedAtMs, askedAtWheelMs, latencyMs });
    });
    if (probe.inFlight === 0) probe.question = null;
  }

  #countFresh(fresh: boolean, status: Status): void {
    if (!fresh) return;
    this.#counts.freshProbes += 1;
    if (status === "unhealthy") this.#counts.freshFailures += 1;
  }
}

function phaseKey(target: ProbeTarget): string {
  return `${target.signal} ${target.vantage} ${target.url}`;
}

/** FNV-1a, 32 bits: spreads similar texts evenly. @see http://www.isthe.com/chongo/tech/comp/fnv */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}
