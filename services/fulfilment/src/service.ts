/** Puts the service together from its settings. */
import {
  assembleDatabaseService,
  type Database,
  type Environment,
  monotonicMs,
  type ServiceParts,
} from "@cloudphoenix/chassis";
import { exposeQueue, observeWorker, queueCheck } from "./observe-worker.ts";
import { OrderQueue } from "./order-queue.ts";
import { packOrder } from "./pack-order.ts";
import { queueState } from "./queue-state.ts";
import { QueueWatch } from "./queue-watch.ts";
import { registerRoutes } from "./routes.ts";
import type { Settings } from "./settings.ts";
import { Worker, type WorkerParts } from "./worker.ts";

const NAME = "fulfilment";
const VERSION = "0.1.0";

/** A service that is not yet listening, and its worker, not yet started. */
export interface Fulfilment {
  readonly parts: ServiceParts;
  readonly worker: Worker;
}

/** @param pack - what fulfilling an order means; the shop's own by default */
export async function assembleFulfilment(
  settings: Settings,
  environment: Environment,
  pack: WorkerParts["pack"] = packOrder,
): Promise<Fulfilment> {
  let shared: QueueWatch | null = null;
  // One for checks, scrapes and requests: together they hold one of the control connections.
  const watchOf = (database: Database): QueueWatch =>
    (shared ??= new QueueWatch(() => queueState(database), monotonicMs));
  const service = await assembleDatabaseService({
    name: NAME,
    version: VERSION,
    settings,
    environment,
    checks: ({ database, watch }) => [
      queueCheck(watchOf(database), watch, settings.LATE_AFTER_SECONDS),
    ],
  });
  const { app, database, watch, writes, metrics, logger } = service;
  const queue = new OrderQueue(database, writes);
  exposeQueue(metrics, watchOf(database));
  registerRoutes(app, queue, watchOf(database));
  const worker = new Worker(
    {
      queue,
      writesOpen: async () => (await watch.observe()).record?.writesOpen === true,
      pack,
      onEvent: observeWorker(logger, metrics),
      random: Math.random,
    },
    {
      batchSize: settings.BATCH_SIZE,
      idleMs: settings.IDLE_MS,
      hiddenMs: settings.HIDDEN_MS,
      attemptsMax: settings.ATTEMPTS_MAX,
      backoffBaseMs: settings.BACKOFF_BASE_MS,
      backoffMaxMs: settings.BACKOFF_MAX_MS,
    },
  );
  return { parts: { ...service.parts, quiesce: [() => worker.stop()] }, worker };
}
