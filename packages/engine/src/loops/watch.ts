/**
 * The newest answer of every probe.
 *
 * 1. Bounded: only configured pairs of signal and vantage, and configured vantages, are kept;
 *    whatever else a source says is dropped.
 * 2. An answer that was asked earlier than the one kept changes nothing: agents may be late.
 */
import type { Observation, Signal, Vantage, VantageSight } from "@cloudphoenix/core";
import type { ObservationListener, ObservationSource } from "../ports/observation-source.ts";

/** Told when an answer differs from the one before it. */
export type WatchListener = (change: Observation | VantageSight) => void;

export interface WatchOptions {
  readonly signals: readonly Signal[];
  readonly vantages: readonly Vantage[];
  readonly sources: readonly ObservationSource[];
}

export class Watch implements ObservationListener {
  readonly #sources: readonly ObservationSource[];
  readonly #pairs: ReadonlySet<string>;
  readonly #vantages: ReadonlySet<string>;
  readonly #observations = new Map<string, Observation>();
  readonly #sights = new Map<string, VantageSight>();
  readonly #listeners = new Set<WatchListener>();

  constructor({ signals, vantages, sources }: WatchOptions) {
    this.#sources = sources;
    this.#pairs = new Set(
      signals.flatMap((signal) => signal.vantages.map((vantage) => pairOf(signal.id, vantage))),
    );
    this.#vantages = new Set(vantages.map((vantage) => vantage.id));
  }

  start(): void {
    for (const source of this.#sources) source.start(this);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#sources.map((source) => source.stop()));
  }

  get observations(): readonly Observation[] {
    return [...this.#observations.values()];
  }

  get sights(): readonly VantageSight[] {
    return [...this.#sights.values()];
  }

  /** Calls `listener` at every change until the returned function is called. */
  subscribe(listener: WatchListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  observed(observation: Observation): void {
    const pair = pairOf(observation.signal, observation.vantage);
    const before = this.#observations.get(pair);
    if (!this.#pairs.has(pair) || isOlder(observation, before)) return;
    this.#observations.set(pair, observation);
    if (before?.status !== observation.status) this.#tell(observation);
  }

  sighted(sight: VantageSight): void {
    const before = this.#sights.get(sight.vantage);
    if (!this.#vantages.has(sight.vantage) || isOlder(sight, before)) return;
    this.#sights.set(sight.vantage, sight);
    if (before?.sees !== sight.sees) this.#tell(sight);
  }

  #tell(change: Observation | VantageSight): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** Neither part can contain a space, so two pairs never share a key. */
function pairOf(signal: string, vantage: string): string {
  return `${signal} ${vantage}`;
}

function isOlder(
  answer: { readonly atMs: number },
  kept: { readonly atMs: number } | undefined,
): boolean {
  return kept !== undefined && answer.atMs < kept.atMs;
}
