/** Remembers the newest decision and those that said something new, and passes them on. */

import type { Decision } from "@cloudphoenix/core";
import type { DecisionContext } from "../api/control-room.ts";
import type { ControllerMetrics } from "../metrics/controller-metrics.ts";
import { gistOf, observationSummary } from "./decision-feed.ts";
import type { EventHub } from "./event-hub.ts";

const KEPT = 200;
const SUMMARY_EVERY_MS = 1000;

export class DecisionJournal {
  readonly #hub: EventHub;
  readonly #metrics: ControllerMetrics;
  readonly #decisions: Decision[] = [];
  #latest: DecisionContext | null = null;
  #gist = "";
  #summarisedAtMs = Number.NEGATIVE_INFINITY;

  constructor(hub: EventHub, metrics: ControllerMetrics) {
    this.#hub = hub;
    this.#metrics = metrics;
  }

  get latest(): DecisionContext | null {
    return this.#latest;
  }

  /** Newest first; a decision that only repeats the one before is left out. */
  newest(limit: number): readonly Decision[] {
    return this.#decisions.slice(-limit).toReversed();
  }

  record(context: DecisionContext): void {
    const { decision, situation } = context;
    this.#latest = context;
    this.#metrics.seen(decision, situation);
    const gist = gistOf(decision);
    if (gist !== this.#gist) {
      this.#gist = gist;
      this.#decisions.push(decision);
      if (this.#decisions.length > KEPT) this.#decisions.shift();
      this.#metrics.decided(decision);
      this.#hub.publish("decision", decision);
    }
    if (decision.atMs - this.#summarisedAtMs >= SUMMARY_EVERY_MS) {
      this.#summarisedAtMs = decision.atMs;
      this.#hub.publish("observation-summary", observationSummary(decision, situation));
    }
  }
}
