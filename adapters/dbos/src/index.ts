export * from "./durable/dbos-plan-runner.ts";
export * from "./leader/postgres-leader-elector.ts";
export { type LeaseWitnessOptions, PostgresLeaseWitness } from "./lease/postgres-lease-witness.ts";
export { prepareWitness } from "./lease/prepare-witness.ts";
export type { Log } from "./log.ts";
export * from "./state/open-state-database.ts";
