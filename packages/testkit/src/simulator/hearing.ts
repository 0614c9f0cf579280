/**
 * What one controller has been told, as it arrived and before any code of the product saw it, and a
 * second, simple opinion on what follows from it. Kept apart from the product's scoring on purpose.
 */
import type { Observation, Signal, SiteId, Status } from "@cloudphoenix/core";
import type { ProbeReport } from "./probes.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Settings } from "./settings.ts";

interface Heard {
  readonly askedMs: number;
  /** True time it arrived. */
  readonly heardMs: number;
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
  readonly points: number;
}

/** Answers kept per question: enough to look a little back in time. */
const KEPT = 6;

/** Ages are told in whole milliseconds, and by clocks that drift. */
const FRESHNESS_SLACK_MS = 20;

export class Hearing {
  readonly #settings: Settings;
  readonly #scheduler: Scheduler;
  readonly #heard = new Map<string, Heard[]>();

  constructor(settings: Settings, scheduler: Scheduler) {
    this.#settings = settings;
    this.#scheduler = scheduler;
  }

  report({ vantage, askedMs, sees, answers }: ProbeReport): void {
    for (const { signal, status } of answers) {
      this.#note(`${signal.id} ${vantage}`, { askedMs, status, sees });
    }
  }

  lag({ signal, vantage, status }: Observation): void {
    this.#note(`${signal} ${vantage}`, { askedMs: this.#scheduler.nowMs, status, sees: true });
  }

  /** What was known about `site` at a moment not long ago. */
  picture(site: SiteId, asOfMs: number): Picture {
    let [points, known, knowable] = [0, 0, 0];
    const bad = new Set<string>();
    for (const signal of this.#settings.signals) {
      if (signal.site !== site) continue;
      const most = Math.max(signal.points.degraded, signal.points.unhealthy);
      knowable += most;
      for (const vantage of signal.vantages) {
        const status = this.#statusOf(signal, vantage, asOfMs);
        if (status === "unknown") continue;
        known += most;
        if (status === "healthy") continue;
        points += signal.points[status];
        if (signal.points[status] > 0) bad.add(vantage);
      }
    }
    const { vantages } = this.#settings;
    const domains = new Set(
      vantages.filter((one) => bad.has(one.id)).map((one) => one.failureDomain),
    );
    const knownShare = knowable === 0 ? 1 : known / knowable;
    return { knownShare, domains: [...domains], witnesses: [...bad], points };
  }

  #note(key: string, what: Omit<Heard, "heardMs">): void {
    const kept = this.#heard.get(key) ?? [];
    this.#heard.set(key, kept);
    // What was overtaken by a newer answer says nothing any more.
    if ((kept.at(-1)?.askedMs ?? -1) > what.askedMs) return;
    kept.push({ ...what, heardMs: this.#scheduler.nowMs });
    if (kept.length > KEPT) kept.shift();
  }

  #statusOf({ id, freshnessMs }: Signal, vantage: string, asOfMs: number): Status {
    const kept = this.#heard.get(`${id} ${vantage}`) ?? [];
    const heard = kept.findLast((one) => one.heardMs <= asOfMs);
    if (heard === undefined || !heard.sees) return "unknown";
    const isFresh = asOfMs - heard.askedMs <= freshnessMs + FRESHNESS_SLACK_MS;
    return isFresh ? heard.status : "unknown";
  }
}
