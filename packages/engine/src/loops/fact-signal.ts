/** Signals that ask nobody: what they say is read from facts that are gathered anyway. */
import {
  type Observation,
  type Signal,
  type SignalKind,
  type SiteId,
  hasCode,
} from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { ObservationListener, ObservationSource } from "../ports/observation-source.ts";

/** What the facts say now. */
export type FactAnswer = Pick<Observation, "status" | "detail">;

export interface FactSignalOptions {
  readonly clock: Clock;
  /** The kind that is answered; signals of other kinds are ignored. */
  readonly kind: SignalKind;
  readonly signals: readonly Signal[];
  /** The active site now; a signal of another site has nothing to say. */
  readonly active: () => SiteId;
  readonly answer: (signal: Signal, nowMs: number) => FactAnswer;
}

/** Turns facts into observations, once per interval of each signal. */
export function factSignal(options: FactSignalOptions): ObservationSource {
  const stopped = new AbortController();
  let loops: Promise<unknown> = Promise.resolve();
  return {
    start(listener) {
      const signals = options.signals.filter((signal) => signal.kind === options.kind);
      loops = Promise.all(
        signals.map((signal) => keepSaying(options, signal, listener, stopped.signal)),
      );
    },
    async stop() {
      stopped.abort();
      await loops;
    },
  };
}

async function keepSaying(
  { clock, active, answer }: FactSignalOptions,
  signal: Signal,
  listener: ObservationListener,
  stopped: AbortSignal,
): Promise<void> {
  while (!stopped.aborted) {
    if (signal.site === active()) {
      for (const vantage of signal.vantages) {
        const atMs = clock.now();
        listener.observed({
          signal: signal.id,
          vantage,
          atMs,
          latencyMs: null,
          ...answer(signal, atMs),
        });
      }
    }
    try {
      await clock.sleep(signal.intervalMs, stopped);
    } catch (error) {
      if (!hasCode(error, "ABORTED")) throw error;
    }
  }
}

const SEVERITY: readonly FactAnswer["status"][] = ["unknown", "healthy", "degraded", "unhealthy"];

/** The worst of the standbys counts: each is a site the application may have to move to. */
export function worstAnswer(answers: readonly FactAnswer[], none: string): FactAnswer {
  return answers.reduce<FactAnswer>(
    (worse, answer) =>
      SEVERITY.indexOf(answer.status) > SEVERITY.indexOf(worse.status) ? answer : worse,
    { status: "unknown", detail: none },
  );
}
