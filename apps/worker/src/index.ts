export { readListen, readSlots, SLOTS_DEFAULT } from "./arguments.ts";
export type { SeedProgress } from "./seed/seed-progress.ts";
export { type SeedRequest, startWorker, type Worker, type WorkerOptions } from "./start-worker.ts";
