/** Tells clients and metrics what is written to a run store, as it is written. */

import type { RunStatus, StepRecord } from "@cloudphoenix/core";
import type { RunStore } from "@cloudphoenix/engine";
import { runSummary } from "../api/views/status-view.ts";
import type { ControllerMetrics } from "../metrics/controller-metrics.ts";
import type { EventHub } from "./event-hub.ts";

export interface RunFeedParts {
  readonly hub: EventHub;
  readonly metrics: ControllerMetrics;
  /** Told if a run could not be read to be shown; the run itself is not affected. */
  readonly onTrouble: (error: unknown) => void;
}

/**
 * `store` with everybody listening. Whatever is written successfully is told; a replay after a
 * crash writes, and tells, the same again.
 */
export function observedRunStore(store: RunStore, parts: RunFeedParts): RunStore {
  const progress = new RunProgress(store, parts);
  return {
    create: (run) => store.create(run),
    async setStatus(runId, change) {
      await store.setStatus(runId, change);
      progress.status(runId, change.status);
    },
    async putStep(runId, step, order) {
      await store.putStep(runId, step, order);
      progress.step(runId, step);
    },
    addApproval: (runId, approval) => store.addApproval(runId, approval),
    async addEvent(event) {
      await store.addEvent(event);
      parts.hub.publish("run-event", event);
    },
    get: (runId) => store.get(runId),
    list: (limit) => store.list(limit),
    events: (runId) => store.events(runId),
  };
}

/** Publishes `run` events; changes that come while one is being read are told together. */
class RunProgress {
  readonly #store: RunStore;
  readonly #parts: RunFeedParts;
  /** Runs being read; true if something changed meanwhile. */
  readonly #reading = new Map<string, boolean>();

  constructor(store: RunStore, parts: RunFeedParts) {
    this.#store = store;
    this.#parts = parts;
  }

  status(runId: string, status: RunStatus): void {
    this.#parts.metrics.runStatus(runId, status);
    void this.#publish(runId);
  }

  step(runId: string, step: StepRecord): void {
    this.#parts.metrics.stepRecorded(runId, step);
    void this.#publish(runId);
  }

  async #publish(runId: string): Promise<void> {
    if (this.#reading.has(runId)) {
      this.#reading.set(runId, true);
      return;
    }
    try {
      do {
        this.#reading.set(runId, false);
        const run = await this.#store.get(runId);
        if (run !== null) this.#parts.hub.publish("run", runSummary(run));
      } while (this.#reading.get(runId) === true);
    } catch (error) {
      this.#parts.onTrouble(error);
    } finally {
      this.#reading.delete(runId);
    }
  }
}
