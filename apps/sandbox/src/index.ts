/** A laptop-sized world of two clouds, and what breaks it. */
export { FAULT_NAMES, FAULTS, type Fault, type FaultName } from "./faults/index.ts";
export type { Impairment, LinkStats } from "./links/index.ts";
export type {
  LoadCounts,
  LoadEvent,
  MissingWrite,
  OrderCensus,
  ReadbackResult,
} from "./load/load-protocol.ts";
export { type AttachedWorld, attachWorld } from "./world/attach.ts";
export type { FaultAtWork } from "./world/fault-board.ts";
export type { WorldLoad } from "./world/load.ts";
export type { ObjectCensus } from "./world/object-census.ts";
export { openWorld } from "./world/open-world.ts";
export { type World, type WorldStatus, type WorldUrls } from "./world/world.ts";
export type { WorldFile } from "./world/world-file.ts";
export type { WorldOptions } from "./world/world-options.ts";
export { checkMachine, type MachineCheck } from "./doctor/check-machine.ts";
