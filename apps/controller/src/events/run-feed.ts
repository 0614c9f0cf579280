/** Tells listeners what is written to a run store, as it is written. */

import type { RunEvent, RunRecord, RunStatus, StepRecord } from "@cloudphoenix/core";
import type { RunStore } from "@cloudphoenix/engine";

export interface RunListener {
  event(event: RunEvent): void;
  status(runId: string, status: RunStatus): void;
  step(runId: string, step: StepRecord): void;
}

/**
 * `store` with a listener at its side. Whatever is written successfully is told; a replay after a
 * crash writes, and tells, the same again. Listeners must not throw.
 */
export function observedRunStore(store: RunStore, listener: RunListener): RunStore {
  return {
    create: (run) => store.create(run),
    async setStatus(runId, change) {
      await store.setStatus(runId, change);
      listener.status(runId, change.status);
    },
    async putStep(runId, step) {
      await store.putStep(runId, step);
      listener.step(runId, step);
    },
    addApproval: (runId, approval) => store.addApproval(runId, approval),
    async addEvent(event) {
      await store.addEvent(event);
      listener.event(event);
    },
    get: (runId): Promise<RunRecord | null> => store.get(runId),
    list: (limit) => store.list(limit),
    events: (runId) => store.events(runId),
  };
}
