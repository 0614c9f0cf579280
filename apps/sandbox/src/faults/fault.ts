/** What a fault is, and what of the world it may touch. */
import type { Impairment } from "../links/index.ts";
import type { Instant, LinkSpec } from "../network/operations.ts";
import type { Place } from "../world/places.ts";

/** The world as one fault sees it: one site it breaks, and the network. */
export interface FaultWorld {
  /** The site the fault is about. */
  readonly place: Place;
  readonly peer: Place;
  /** Does `impairment` to every link that matches, in the name of the fault. */
  readonly impair: (
    matches: (link: LinkSpec) => boolean,
    impairment: Impairment,
  ) => Promise<Instant>;
  /** Lifts what the fault did to links. */
  readonly repair: () => Promise<Instant>;
  readonly site: SiteUnderFault;
}

/** A killed agent is started again at once. */
export type AgentSignal = "freeze" | "thaw" | "crash";

/** What can be done to the insides of a site. */
export interface SiteUnderFault {
  crashPod(): Promise<Instant>;
  restartPods(): Promise<void>;
  crashDatabase(): Promise<Instant>;
  startDatabase(): Promise<void>;
  /** Null lifts what was done before. */
  impairDatabase(impairment: Impairment | null): Promise<Instant>;
  failZone(zone: string): Promise<Instant>;
  restoreZone(zone: string): Promise<void>;
  /** Stops the site's agent from running without ending it, lets it go on, or kills it. */
  signalAgent(how: AgentSignal): Promise<Instant>;
  /** Kills every process of the site at once. */
  lose(): Promise<void>;
  /**
   * Starts a lost site again. If another site has taken over meanwhile, its pods stay down: a
   * returned old primary must be looked at before anybody may write there.
   */
  bringBack(): Promise<void>;
}

/** A fault that took effect. */
export interface AppliedFault {
  /** Epoch ms. */
  readonly atMs: number;
  /** Takes the cause away. Called once. */
  mend(): Promise<void>;
}

export interface Fault {
  readonly name: FaultName;
  /** What it does, one sentence. */
  readonly description: string;
  /** What a right reaction to it is, one sentence. */
  readonly rightReaction: string;
  /** Whether it stays until it is mended; a crash does not, and may be repeated. */
  readonly lasting: boolean;
  apply(world: FaultWorld): Promise<AppliedFault>;
}

export const FAULT_NAMES = [
  "pod-crash",
  "db-crash",
  "db-slowdown",
  "az-failure",
  "region-isolation",
  "region-loss",
  "replication-stall",
  "flapping",
  "monitor-blind",
  "witness-loss",
  "agent-freeze",
  "agent-crash",
] as const;

export type FaultName = (typeof FAULT_NAMES)[number];

/** Links that touch the site of the fault. */
export function linksOf(place: Place): (link: LinkSpec) => boolean {
  return ({ from, to }) => from === place.cloud || to === place.cloud;
}
