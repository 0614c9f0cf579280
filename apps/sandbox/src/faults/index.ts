/** All faults by name. */
import { agentCrash } from "./agent-crash.ts";
import { agentFreeze } from "./agent-freeze.ts";
import { azFailure } from "./az-failure.ts";
import { dbCrash } from "./db-crash.ts";
import { dbSlowdown } from "./db-slowdown.ts";
import type { Fault, FaultName } from "./fault.ts";
import { flapping } from "./flapping.ts";
import { monitorBlind } from "./monitor-blind.ts";
import { podCrash } from "./pod-crash.ts";
import { regionIsolation } from "./region-isolation.ts";
import { regionLoss } from "./region-loss.ts";
import { replicationStall } from "./replication-stall.ts";
import { witnessLoss } from "./witness-loss.ts";

export {
  type AgentSignal,
  type AppliedFault,
  type Fault,
  FAULT_NAMES,
  type FaultName,
  type FaultWorld,
  type SiteUnderFault,
} from "./fault.ts";

/** Every fault the sandbox knows. */
export const FAULTS: Readonly<Record<FaultName, Fault>> = {
  "pod-crash": podCrash,
  "db-crash": dbCrash,
  "db-slowdown": dbSlowdown,
  "az-failure": azFailure,
  "region-isolation": regionIsolation,
  "region-loss": regionLoss,
  "replication-stall": replicationStall,
  flapping,
  "monitor-blind": monitorBlind,
  "witness-loss": witnessLoss,
  "agent-freeze": agentFreeze,
  "agent-crash": agentCrash,
};
