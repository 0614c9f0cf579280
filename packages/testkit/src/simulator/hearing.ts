/**
 * What one controller has been told, as it arrived and before any code of the product saw it, and a
 * second, simple opinion on what follows from it. Kept apart from the product's scoring on purpose.
 */
import type { Observation, SiteId, Status } from "@cloudphoenix/core";
import type { ProbeReport } from "./probes.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Settings } from "./settings.ts";

interface Heard {
  readonly askedMs: number;
  readonly status: Status;
  readonly sees: boolean;
}

export interface Picture {
  /** Share of the points that could be known that are known. */
  readonly knownShare: number;
  /** Failure domains that say the site is bad. */
  readonly domains: readonly string[];
  /** Vantages that say so. */
  readonly witnesses: readonly string[];
  /** When the score was last seen below the band of each kind of move. */
  readonly belowSinceMs: Readonly<Record<"region" | "dr", number>>;
}

/** Freshness is judged a moment later than the decision was made. */
const FRESHNESS_SLACK_MS = 1_200;

export class Hearing {
  readonly #settings: Settings;
  readonly #scheduler: Scheduler;
  readonly #heard = new Map<string, Heard>();
  readonly #below = new Map<SiteId, { region: number; dr: number }>();

  constructor(settings: Settings, scheduler: Scheduler) {
    this.#settings = settings;
    this.#scheduler = scheduler;
  }

  report({ vantage, askedMs, sees, answers }: ProbeReport): void {
    for (const { signal, status } of answers) {
      const key = `${signal.id} ${vantage}`;
      if ((this.#heard.get(key)?.askedMs ?? -1) > askedMs) continue;
      this.#heard.set(key, { askedMs, status, sees });
    }
    this.#noteBelow();
  }

  lag({ signal, vantage, status }: Observation): void {
    this.#heard.set(`${signal} ${vantage}`, { askedMs: this.#scheduler.nowMs, status, sees: true });
  }

  picture(site: SiteId): Picture {
    const { vantages } = this.#settings;
    const { bad, known, knowable } = this.#tally(site);
    const domains = new Set(
      vantages.filter((one) => bad.has(one.id)).map((one) => one.failureDomain),
    );
    return {
      knownShare: knowable === 0 ? 1 : known / knowable,
      domains: [...domains],
      witnesses: [...bad],
      belowSinceMs: this.#below.get(site) ?? { region: 0, dr: 0 },
    };
  }

  #noteBelow(): void {
    const { bands } = this.#settings.policy;
    const nowMs = this.#scheduler.nowMs;
    for (const { id } of this.#settings.application.sites) {
      const { points } = this.#tally(id);
      const below = this.#below.get(id) ?? { region: nowMs, dr: nowMs };
      if (points < bands.region) below.region = nowMs;
      if (points < bands.dr) below.dr = nowMs;
      this.#below.set(id, below);
    }
  }

  #tally(site: SiteId): {
    readonly points: number;
    readonly known: number;
    readonly knowable: number;
    readonly bad: ReadonlySet<string>;
  } {
    let [points, known, knowable] = [0, 0, 0];
    const bad = new Set<string>();
    for (const signal of this.#settings.signals) {
      if (signal.site !== site) continue;
      const most = Math.max(signal.points.degraded, signal.points.unhealthy);
      knowable += most;
      for (const vantage of signal.vantages) {
        const heard = this.#heard.get(`${signal.id} ${vantage}`);
        const status = heard === undefined ? "unknown" : this.#counts(heard, signal.freshnessMs);
        if (status === "unknown") continue;
        known += most;
        if (status === "healthy") continue;
        points += signal.points[status];
        if (signal.points[status] > 0) bad.add(vantage);
      }
    }
    return { points, known, knowable, bad };
  }

  #counts({ askedMs, status, sees }: Heard, freshnessMs: number): Status {
    const isFresh = this.#scheduler.nowMs - askedMs <= freshnessMs + FRESHNESS_SLACK_MS;
    return isFresh && sees ? status : "unknown";
  }
}
