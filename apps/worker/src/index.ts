export { readListen, readSlots, SLOTS_DEFAULT } from "./arguments.ts";
export { LOG_LEVELS, type LogLevel, openLog } from "./composition/log.ts";
export type { SeedProgress } from "./seed/seed-progress.ts";
export { type SeedRequest, startWorker, type Worker, type WorkerOptions } from "./start-worker.ts";
