export { type CopyFront, startCopyFront } from "./azurite/copy-front.ts";
export { type Azurite, type AzuriteOptions, startAzurite } from "./azurite/start-azurite.ts";
export * from "./error.ts";
export type { Fault, FaultBoard, FaultEffect } from "./faults/fault-board.ts";
export type { OperationCount, OperationCounters } from "./faults/operation-counters.ts";
export type { QueueFaults } from "./queue/message-queue.ts";
export {
  type LocalQueueOptions,
  type LocalS3,
  type LocalS3Options,
  startLocalS3,
} from "./s3/start-local-s3.ts";
export {
  type SpawnedS3,
  type SpawnOptions,
  spawnLocalS3,
} from "./s3-process/spawn-local-s3.ts";
export type { LocalCredentials } from "./signature/credentials.ts";
