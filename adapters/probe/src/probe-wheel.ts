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
import { hasCode } from "@cloudphoenix/core";
import type { Clock, ObservationListener, ObservationSource, Random } from "@cloudphoenix/engine";
import { LagMeter } from "./lag-meter.ts";
import { type Asks, FRESH_EVERY, type Outcome, Probe } from "./probe.ts";
import type { CanaryGroup, ProbeTarget } from "./probe-target.ts";
import { SightKeeper } from "./sight-keeper.ts";
import { TimerWheel } from "./timer-wheel.ts";

/**
 * Phases are multiples of this. Questions that start together have answers that arrive together, and
 * a wake-up is dear: with phases of 10 ms, 1,000 questions a second cost twice as much (bench/probe).
 */
const BATCH_MS = 100;
/** Longest nap; bounds how late `stop` and the first tick after an empty stretch are noticed. */
const NAP_MAX_TICKS = 10;
/** Most wheel time one wake-up may pass. */
const STRIDE_MAX_MS = 250;
/** Failing probes have the canaries asked out of turn, but not more often than this. */
const RECHECK_MS = 250;

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

/** The certificate a target showed last, and was trusted for. */
export interface ShownCertificate {
  readonly signal: string;
  readonly vantage: string;
  /** Since 1970. */
  readonly endsAtMs: number;
}

/** What the wheel carries: "ask now", or "give up if this question is still open". */
type Turn =
  | { readonly kind: "ask"; readonly probe: Probe }
  | { readonly kind: "expire"; readonly probe: Probe; readonly number: number };

/** The canaries of one vantage and what they say. */
interface Lookout {
  readonly keeper: SightKeeper;
  readonly canaries: readonly Probe[];
  recheckedAtMs: number;
}

/** An observation source of HTTP probes. Starts once. */
export class ProbeWheel implements ObservationSource {
  readonly #options: ProbeWheelOptions;
  readonly #wheel = new TimerWheel<Turn>();
  readonly #lag = new LagMeter();
  readonly #stopping = new AbortController();
  readonly #probes: Probe[] = [];
  readonly #targets: { readonly target: ProbeTarget; readonly probe: Probe }[] = [];
  readonly #lookouts = new Map<string, Lookout>();
  #running: Promise<void> | null = null;
  #wheelMs = 0;
  #lastNowMs = 0;
  readonly #counts = { probes: 0, overruns: 0, freshProbes: 0, freshFailures: 0, stalledMs: 0 };

  constructor(options: ProbeWheelOptions) {
    this.#options = options;
  }

  start(listener: ObservationListener): void {
    if (this.#running !== null) throw new Error("a probe wheel starts once");
    for (const group of this.#options.canaries) this.#placeCanaries(group, listener);
    for (const target of this.#options.targets) {
      const { signal, vantage } = target;
      const probe = this.#place(target, phaseKey(target), (outcome) => {
        const { verdict, answered, askedAtMs: atMs, latencyMs: tookMs } = outcome;
        const latencyMs = answered ? tookMs : null;
        listener.observed({ signal, vantage, atMs, ...verdict, latencyMs });
        if (!answered) this.#suspect(vantage);
      });
      this.#targets.push({ target, probe });
    }
    this.#lastNowMs = this.#options.clock.now();
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    for (const probe of this.#probes) probe.close();
  }

  metrics(): ProbeWheelMetrics {
    const { p50Ms, p99Ms, maxMs } = this.#lag.lateness();
    return {
      ...this.#counts,
      inFlight: this.#probes.filter((probe) => probe.isOpen).length,
      staleConnections: this.#probes.reduce((sum, probe) => sum + probe.staleConnections, 0),
      latenessP50Ms: p50Ms,
      latenessP99Ms: p99Ms,
      latenessMaxMs: maxMs,
    };
  }

  /** Of https targets that were reached; one that was refused keeps the last that was trusted. */
  certificates(): readonly ShownCertificate[] {
    return this.#targets.flatMap(({ target: { signal, vantage }, probe }) => {
      const endsAtMs = probe.certificateEndsAtMs;
      return endsAtMs === null ? [] : [{ signal, vantage, endsAtMs }];
    });
  }

  #placeCanaries(group: CanaryGroup, listener: ObservationListener): void {
    const { vantage, urls, intervalMs } = group;
    const keeper = new SightKeeper(intervalMs, urls.length);
    const canaries = urls.map((url, index) => {
      const asks = { ...group, url, expect: "http-ok" } as const;
      return this.#place(asks, `${vantage} ${url}`, ({ askedAtWheelMs, askedAtMs, verdict }) => {
        keeper.heard(index, askedAtWheelMs, verdict.status === "healthy");
        const sees = keeper.sees(this.#wheelMs);
        if (sees !== null) listener.sighted({ vantage, atMs: askedAtMs, sees });
      });
    });
    this.#lookouts.set(vantage, { keeper, canaries, recheckedAtMs: -RECHECK_MS });
  }

  #place(asks: Asks, key: string, report: (outcome: Outcome) => void): Probe {
    const { clock, random } = this.#options;
    const ended = (outcome: Outcome): void => {
      if (this.#stopping.signal.aborted) return;
      this.#countFresh(outcome);
      report(outcome);
    };
    // Not all targets may take their fresh connection in the same minute.
    const probe = new Probe(asks, Math.floor(random.next() * FRESH_EVERY), { clock, ended });
    this.#probes.push(probe);
    const phaseMs = Math.floor((hash(key) % asks.intervalMs) / BATCH_MS) * BATCH_MS;
    this.#wheel.schedule({ kind: "ask", probe }, phaseMs);
    return probe;
  }

  /** A probe of this vantage reached nobody: is it the vantage that is cut off? */
  #suspect(vantage: string): void {
    const lookout = this.#lookouts.get(vantage);
    if (lookout === undefined) return;
    lookout.keeper.suspect();
    if (this.#wheelMs - lookout.recheckedAtMs < RECHECK_MS) return;
    lookout.recheckedAtMs = this.#wheelMs;
    for (const canary of lookout.canaries) if (!canary.isOpen) this.#ask(canary);
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
        turn.probe.expire(turn.number);
        return;
      }
      this.#lag.add(this.#wheelMs + lostMs - dueMs);
      this.#wheel.schedule(turn, dueMs + turn.probe.intervalMs);
      if (turn.probe.isOpen) this.#counts.overruns += 1;
      else this.#ask(turn.probe);
    });
  }

  #ask(probe: Probe): void {
    this.#counts.probes += 1;
    const number = probe.ask(this.#options.clock.now(), this.#wheelMs);
    if (!probe.isOpen) return;
    this.#wheel.schedule({ kind: "expire", probe, number }, this.#wheelMs + probe.timeoutMs);
  }

  #countFresh({ fresh, verdict }: Outcome): void {
    if (!fresh) return;
    this.#counts.freshProbes += 1;
    if (verdict.status === "unhealthy") this.#counts.freshFailures += 1;
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
