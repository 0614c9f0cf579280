export type {
  AgentConfiguration,
  ApiConfiguration,
  Configuration,
  DatabaseConfiguration,
  EntryConfiguration,
  Expectation,
  HostPort,
  KeeperConfiguration,
  LeaseConfiguration,
  NotifyConfiguration,
  ObjectDeletes,
  ObjectReference,
  ObjectsConfiguration,
  ProviderConfiguration,
  ReplicationConfiguration,
  SignalConfiguration,
  SiteConfiguration,
  StateConfiguration,
  StoreConfiguration,
  TrafficConfiguration,
  TsigAlgorithm,
  TsigConfiguration,
  VantageConfiguration,
} from "./configuration.ts";
export { parseBytes } from "./byte-amount.ts";
export {
  configurationFromTerraform,
  type TerraformChoices,
} from "./configuration-from-terraform.ts";
export { configurationReference, type ReferenceRow } from "./configuration-reference.ts";
export { formatDuration, parseDuration } from "./duration.ts";
export type { Environment } from "./fill-in-environment.ts";
export { parseHostPort } from "./host-port.ts";
export { loadConfiguration } from "./load-configuration.ts";
export { BANDWIDTH_MIN_BYTES } from "./objects-section.ts";
export { type Problem, renderProblems } from "./problem.ts";
export { readSecretFile } from "./read-secret-file.ts";
export { readTerraformStack, type TerraformStack } from "./terraform-stack.ts";
export { type Validation, validateConfiguration } from "./validate-configuration.ts";
