/** Counts of one load, and how long the last acknowledgements took. */
import type { Epoch, LoadCounts } from "./load-protocol.ts";

/** How many of the last acknowledgements the percentiles are taken from. */
const LATENCIES_KEPT = 1_000;

/** One acknowledgement, as far as it is counted. */
interface Acknowledgement {
  readonly site: string;
  readonly generation: number;
  readonly atMs: number;
  readonly latencyMs: number;
  readonly replayed: boolean;
}

export class LoadStatistics {
  #sent = 0;
  #replayed = 0;
  #givenUp = 0;
  #refused = 0;
  #shed = 0;
  #failedFirstAtMs: number | null = null;
  #failedLastAtMs: number | null = null;
  readonly #failures = new Map<string, number>();
  readonly #epochs = new Map<string, Epoch>();
  readonly #latencies: number[] = [];
  #acknowledged = 0;

  get inFlight(): number {
    return this.#sent - this.#acknowledged - this.#givenUp - this.#refused;
  }

  begun(): void {
    this.#sent += 1;
  }

  shed(count: number): void {
    this.#shed += count;
  }

  attemptFailed(reason: string, atMs: number): void {
    this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + 1);
    this.#failedFirstAtMs ??= atMs;
    this.#failedLastAtMs = atMs;
  }

  gaveUp(): void {
    this.#givenUp += 1;
  }

  refused(): void {
    this.#refused += 1;
  }

  /** Answers whether it is the first one of its site and generation. */
  acknowledged({ site, generation, atMs, latencyMs, replayed }: Acknowledgement): boolean {
    this.#latencies[this.#acknowledged % LATENCIES_KEPT] = latencyMs;
    this.#acknowledged += 1;
    if (replayed) this.#replayed += 1;
    const id = `${generation} ${site}`;
    const known = this.#epochs.get(id);
    this.#epochs.set(id, {
      site,
      generation,
      acknowledged: (known?.acknowledged ?? 0) + 1,
      firstAckedAtMs: known?.firstAckedAtMs ?? atMs,
      lastAckedAtMs: atMs,
    });
    return known === undefined;
  }

  counts(): LoadCounts {
    const epochs = [...this.#epochs.values()];
    const bySite: Record<string, number> = {};
    for (const { site, acknowledged } of epochs) {
      bySite[site] = (bySite[site] ?? 0) + acknowledged;
    }
    return {
      sent: this.#sent,
      acknowledged: this.#acknowledged,
      replayed: this.#replayed,
      failedAttempts: [...this.#failures.values()].reduce((sum, count) => sum + count, 0),
      failures: Object.fromEntries(this.#failures),
      failedFirstAtMs: this.#failedFirstAtMs,
      failedLastAtMs: this.#failedLastAtMs,
      givenUp: this.#givenUp,
      refused: this.#refused,
      shed: this.#shed,
      inFlight: this.inFlight,
      bySite,
      epochs,
      latencyMs: percentiles(this.#latencies),
    };
  }
}

function percentiles(latencies: readonly number[]): LoadCounts["latencyMs"] {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): number | undefined =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  const [p50, p99] = [at(0.5), at(0.99)];
  if (p50 === undefined || p99 === undefined) return null;
  return { p50: round(p50), p99: round(p99) };
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
