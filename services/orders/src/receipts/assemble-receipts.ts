/** Puts the receipts together: the table's queue, the writer in the background, the routes. */
import type { DatabaseService, ServiceParts } from "@cloudphoenix/chassis";
import type { Settings } from "../settings.ts";
import { exposeReceipts, observeReceipts } from "./observe-receipts.ts";
import { ReceiptQueue } from "./receipt-queue.ts";
import { ReceiptRecheck } from "./receipt-recheck.ts";
import { registerReceiptRoutes } from "./receipt-routes.ts";
import type { ReceiptWatch } from "./receipt-state.ts";
import { ReceiptWriter } from "./receipt-writer.ts";

/** What is added to the parts of the service. */
export type ReceiptParts = Required<Pick<ServiceParts, "quiesce">>;

/** Without an object store receipts are not written, but those promised elsewhere are pending. */
export function assembleReceipts(
  service: DatabaseService,
  receipts: ReceiptWatch,
  settings: Settings,
): ReceiptParts {
  const { app, database, writes, watch, storage, logger, metrics } = service;
  const queue = new ReceiptQueue(database, writes);
  registerReceiptRoutes(app, { database, queue, receipts, site: watch, storage });
  if (storage === null) return { quiesce: [] };
  exposeReceipts(metrics, receipts);
  const writer = new ReceiptWriter(
    {
      queue,
      recheck: new ReceiptRecheck(writes, settings.RECEIPTS_RECHECK_MAX),
      storage,
      observe: () => watch.observe(),
      onEvent: observeReceipts(logger, metrics),
      random: Math.random,
    },
    {
      batchSize: settings.RECEIPTS_BATCH_SIZE,
      concurrency: settings.RECEIPTS_CONCURRENCY,
      idleMs: settings.RECEIPTS_IDLE_MS,
      hiddenMs: settings.RECEIPTS_HIDDEN_MS,
      attemptsMax: settings.RECEIPTS_ATTEMPTS_MAX,
      backoffMaxMs: settings.RECEIPTS_BACKOFF_MAX_MS,
    },
  );
  app.addHook("onListen", (done) => {
    writer.start();
    done();
  });
  return { quiesce: [() => writer.stop()] };
}
