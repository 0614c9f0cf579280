/** Everything the step handlers act through. */
import type { Application, Policy } from "@cloudphoenix/core";
import type { WriterLease } from "../lease/writer-lease.ts";
import type { Clock } from "../ports/clock.ts";
import type { DatabaseControl, ReplicationWatch } from "../ports/database-control.ts";
import type { Notifier } from "../ports/notifier.ts";
import type { ObjectDesk, ObjectWatch } from "../ports/object-data.ts";
import type { Salvage } from "../ports/salvage.ts";
import type { DatabaseHost, Fencer, SiteEntry, WorkloadControl } from "../ports/site-control.ts";
import type { FactStore, RunStore } from "../ports/state-store.ts";
import type { ConvergenceProbe, TrafficSwitch } from "../ports/traffic-switch.ts";

export interface StepPorts {
  readonly application: Application;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly databases: DatabaseControl;
  readonly replication: Pick<ReplicationWatch, "active" | "facts">;
  readonly databaseHosts: DatabaseHost;
  readonly workloads: WorkloadControl;
  /** Independent means; all of them are tried at once. */
  readonly fencers: readonly Fencer[];
  /** The writer lease, which is one of the fencers, too; null where none is used. */
  readonly writerLease: (Fencer & Pick<WriterLease, "open" | "seal">) | null;
  readonly salvage: Salvage;
  /** Null where the application has no objects. */
  readonly objects: ObjectParts | null;
  readonly entry: SiteEntry;
  readonly traffic: TrafficSwitch;
  readonly convergence: ConvergenceProbe;
  readonly notifier: Notifier;
  readonly runs: RunStore;
  readonly facts: FactStore;
}

/** How far the copy of the objects is, and whoever makes it. */
export interface ObjectParts {
  readonly watch: ObjectWatch;
  readonly desk: ObjectDesk;
}

/** The part of a step's time that is left to a handler, see `patienceMs`. */
const HANDLER_SHARE = 0.8;

/**
 * The part of a step's time a handler may spend waiting, so that it ends with its own words
 * ("1 of 2 replicas ready") before the runner ends it with "took too long".
 */
export function patienceMs(timeoutMs: number): number {
  return Math.floor(timeoutMs * HANDLER_SHARE);
}

/**
 * How long one try of a fence must be allowed to take, so that each of `fencers` gets the time it
 * asks for; undefined if none asks for more than usual.
 */
export function fenceDeadlineMs(fencers: readonly Fencer[]): number | undefined {
  const wanted = fencers.flatMap((fencer) => fencer.patienceMs ?? []);
  return wanted.length === 0 ? undefined : Math.ceil(Math.max(...wanted) / HANDLER_SHARE);
}
