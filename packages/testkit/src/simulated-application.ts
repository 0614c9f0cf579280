/** The application that runs in the simulated world, and the ports its plans act through. */
import { type Application, DEFAULT_POLICY, type Policy, type Roles } from "@cloudphoenix/core";
import {
  MemoryAuditLog,
  MemoryFactStore,
  MemoryRoleStore,
  MemoryRunStore,
  type StepPorts,
} from "@cloudphoenix/engine";
import {
  simulatedConvergence,
  simulatedEntry,
  simulatedFencers,
  simulatedNotifier,
  simulatedTraffic,
  simulatedWorkloads,
} from "./simulated-platform.ts";
import {
  simulatedDatabaseHost,
  simulatedDatabases,
  simulatedReplicationWatch,
} from "./simulated-database.ts";
import { simulatedSalvage } from "./simulated-salvage.ts";
import type { SimulatedWorld } from "./simulated-world.ts";

export const SIMULATED_APPLICATION: Application = {
  name: "shop",
  sites: [
    { id: "aws-us-east-1", cloud: "aws", region: "us-east-1" },
    { id: "azure-westeurope", cloud: "azure", region: "westeurope" },
  ],
  workloads: [{ name: "orders", replicas: 2 }],
  objectives: { rtoMs: 10_000, rpoMs: 5_000 },
};

export const SIMULATED_ROLES: Roles = {
  generation: 1,
  active: "aws-us-east-1",
  claimedBy: null,
  protected: true,
};

/** Acts by itself and soon, so that a simulated disaster takes seconds. */
export const SIMULATED_POLICY: Policy = {
  ...DEFAULT_POLICY,
  holdMs: { heal: 1_000, region: 2_000, dr: 2_000 },
  modes: { heal: "auto", region: "auto", dr: "auto" },
};

/** Stores that outlive a simulated crash, because tests keep them. */
export interface SimulatedStores {
  readonly roles: MemoryRoleStore;
  readonly runs: MemoryRunStore;
  readonly facts: MemoryFactStore;
  readonly audit: MemoryAuditLog;
}

export function simulatedStores(): SimulatedStores {
  return {
    roles: new MemoryRoleStore(SIMULATED_ROLES),
    runs: new MemoryRunStore(),
    facts: new MemoryFactStore(),
    audit: new MemoryAuditLog(),
  };
}

export function simulatedPorts(
  world: SimulatedWorld,
  stores: SimulatedStores,
  policy: Policy = SIMULATED_POLICY,
): StepPorts {
  const databases = simulatedDatabases(world);
  return {
    application: SIMULATED_APPLICATION,
    policy,
    clock: world.clock,
    databases,
    replication: simulatedReplicationWatch(world),
    databaseHosts: simulatedDatabaseHost(world),
    workloads: simulatedWorkloads(world),
    fencers: simulatedFencers(world, databases),
    writerLease: null,
    salvage: simulatedSalvage(world),
    objects: null,
    entry: simulatedEntry(world),
    traffic: simulatedTraffic(world),
    convergence: simulatedConvergence(world),
    notifier: simulatedNotifier(world),
    runs: stores.runs,
    facts: stores.facts,
  };
}
