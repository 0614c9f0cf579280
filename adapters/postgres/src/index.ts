export { type AgentLogin, PostgresSiteLease } from "./lease/postgres-site-lease.ts";
export type { PostgresLimits, PostgresOptions, PostgresSite, Secret } from "./postgres-options.ts";
export { PreflightError, type PreflightProblem, type PreflightRule } from "./preflight.ts";
export {
  type PreparedServer,
  type PrepareOptions,
  prepareServer,
  type RoleLogin,
} from "./prepare-server.ts";
export { PostgresReplication } from "./postgres-replication.ts";
export type { PostgresReplicationWatch } from "./replication-watch.ts";
