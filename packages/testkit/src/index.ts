export * from "./seeded-random.ts";
export * from "./simulated-application.ts";
export * from "./simulated-database.ts";
export * from "./simulated-platform.ts";
export * from "./simulated-replication-setup.ts";
export * from "./simulated-world.ts";
export * from "./virtual-clock.ts";
export * from "./world-state.ts";
export * from "./contracts/describe-convergence-probe.ts";
export * from "./contracts/describe-fencer.ts";
export * from "./contracts/describe-database-control.ts";
export type {
  DatabaseControlContract,
  DatabaseControlHarness,
  LeasedHarness,
} from "./contracts/database-control-harness.ts";
export * from "./contracts/describe-database-host.ts";
export * from "./contracts/describe-lease-witness.ts";
export * from "./contracts/describe-object-store.ts";
export * from "./contracts/describe-object-memory.ts";
export * from "./contracts/describe-plan-runner.ts";
export * from "./contracts/describe-replication-setup.ts";
export * from "./contracts/describe-site-entry.ts";
export * from "./contracts/describe-site-lease.ts";
export * from "./contracts/describe-state-stores.ts";
export * from "./contracts/describe-traffic-switch.ts";
export * from "./contracts/describe-work-queue.ts";
export * from "./contracts/describe-workload-control.ts";
export type { OutOfReach } from "./contracts/out-of-reach.ts";
export * from "./contracts/runner-harness.ts";
export {
  bodyOf,
  type ObjectStoreContract,
  type ObjectStoreHarness,
  type OpenedStore,
  requestFor,
} from "./contracts/object-store-harness.ts";
export * from "./objects/faulty-link.ts";
export * from "./simulated-signals.ts";
export * from "./objects/faulty-object-store.ts";
export * from "./objects/memory-object-store.ts";
export * from "./objects/memory-urls.ts";
export * from "./objects/synthetic-object-store.ts";
