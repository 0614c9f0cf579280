export { AgentConvergenceProbe, type AgentConvergenceOptions } from "./agent-convergence-probe.ts";
export { AgentObservationSource, type AgentSourceOptions } from "./agent-observation-source.ts";
export type { AgentAddress, ObservationPage } from "./agent-api.ts";
export type { CanaryGroup, Expectation, ProbeTarget } from "./probe-target.ts";
export {
  ProbeWheel,
  type ProbeWheelMetrics,
  type ProbeWheelOptions,
  type ShownCertificate,
} from "./probe-wheel.ts";
