export * from "./durable/dbos-plan-runner.ts";
export * from "./leader/postgres-leader-elector.ts";
export type { Log } from "./log.ts";
export * from "./state/open-state-database.ts";
