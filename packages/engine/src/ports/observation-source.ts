/** Where observations come from: the controller's own probes, agents in sites, replication. */
import type { Observation, VantageSight } from "@cloudphoenix/core";

export interface ObservationListener {
  observed(observation: Observation): void;
  sighted(sight: VantageSight): void;
}

export interface ObservationSource {
  /** Starts asking; answers go to `listener` until `stop()`. Never throws for a failing probe. */
  start(listener: ObservationListener): void;
  stop(): Promise<void>;
}
