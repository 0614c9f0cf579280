export { BrokenRuns, type BrokenRunsPorts } from "./loops/broken-runs.ts";
export { WaitingRuns, type WaitingRunsPorts } from "./loops/waiting-runs.ts";
export {
  DecisionLoop,
  type DecisionLoopPorts,
  type DecisionSettings,
  type LoopEvent,
} from "./loops/decision-loop.ts";
export {
  LeaseKeeper,
  type LeaseKeeperOptions,
  type LeaseRound,
} from "./lease/lease-keeper.ts";
export { LeaseObserver } from "./lease/lease-observer.ts";
export * from "./lease/lease-terms.ts";
export { type LeaseGrant, WriterLease } from "./lease/writer-lease.ts";
export {
  ReturnedPrimaries,
  type QuarantineListener,
  type ReturnedPrimariesPorts,
} from "./loops/returned-primaries.ts";
export { detectionKey } from "./loops/detection.ts";
export type { MaintenanceState } from "./loops/maintenance.ts";
export {
  BlockedRequest,
  type PlannedRequest,
  type RequestedPlan,
  type RequestedRun,
} from "./loops/operator-request.ts";
export { type ObjectSignalOptions, objectSignal } from "./loops/object-signal.ts";
export { type ReplicationSignalOptions, replicationSignal } from "./loops/replication-signal.ts";
export { Watch, type WatchListener, type WatchOptions } from "./loops/watch.ts";
export * from "./memory/memory-audit-log.ts";
export * from "./memory/memory-fact-store.ts";
export * from "./memory/memory-lease-witness.ts";
export * from "./memory/memory-role-store.ts";
export * from "./memory/memory-run-store.ts";
export * from "./memory/memory-work-queue.ts";
export * from "./ports/index.ts";
export {
  type Quarantine,
  type QuarantineDecision,
  missingDecision,
  quarantineIn,
  quarantineKey,
} from "./quarantine/quarantine.ts";
export { type ObjectDivergence, objectDivergence } from "./quarantine/object-divergence.ts";
export { QuarantineDesk, type QuarantineDeskPorts } from "./quarantine/quarantine-desk.ts";
export {
  SetupDesk,
  type SetupDeskPorts,
  type SetupOrder,
  type SetupPreview,
} from "./replication/setup-desk.ts";
export type { SetupRecord } from "./replication/setup-record.ts";
export { type DryRunStep, dryRun } from "./runner/dry-run.ts";
export { executeStep } from "./runner/execute-step.ts";
export { interpretPlan } from "./runner/interpret-plan.ts";
export { MemoryJournal } from "./runner/memory-journal.ts";
export * from "./runner/memory-plan-runner.ts";
export { type RunProgram, planProgram } from "./runner/run-program.ts";
export type { InterpreterDeps } from "./runner/run-session.ts";
export { approvalAskedBy } from "./steps/approval-request.ts";
export * from "./steps/step-handler.ts";
export { reportKey } from "./steps/report-run.ts";
export { stepHandlers } from "./steps/step-handlers.ts";
export type { ObjectParts, StepPorts } from "./steps/step-ports.ts";
export { type ClockPace, StateClock } from "./waiting/state-clock.ts";
export { awaitTask, type TaskWait } from "./waiting/await-task.ts";
