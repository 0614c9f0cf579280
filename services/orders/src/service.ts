/** Puts the service together from its settings. */
import {
  assembleDatabaseService,
  type Database,
  type Environment,
  monotonicMs,
  type ServiceParts,
} from "@cloudphoenix/chassis";
import { DurabilityBarrier, flushedPositionOf } from "./durability-barrier.ts";
import { OrderMetrics } from "./order-metrics.ts";
import { orderRoutes } from "./order-routes.ts";
import { OrderStore } from "./order-store.ts";
import { assembleReceipts } from "./receipts/assemble-receipts.ts";
import { receiptsCheck } from "./receipts/observe-receipts.ts";
import { ReceiptWatch } from "./receipts/receipt-state.ts";
import type { Settings } from "./settings.ts";

const NAME = "orders";
const VERSION = "0.1.0";

/**
 * A service that is not yet listening. The database need not be there: until it is, the service is
 * live but not ready.
 */
export async function assembleOrders(
  settings: Settings,
  environment: Environment,
): Promise<ServiceParts> {
  let shared: ReceiptWatch | null = null;
  // One for checks, scrapes and requests: together they hold one of the control connections.
  const receiptsOf = (database: Database): ReceiptWatch =>
    (shared ??= new ReceiptWatch(database, monotonicMs));
  const service = await assembleDatabaseService({
    name: NAME,
    version: VERSION,
    settings,
    environment,
    personalFields: ["customer", "note"],
    checks: ({ database, watch }) =>
      settings.STORAGE_URL === null
        ? []
        : [receiptsCheck(receiptsOf(database), watch, settings.RECEIPTS_LATE_AFTER_SECONDS)],
  });
  const { database, writes, watch, storage } = service;
  const barrier = new DurabilityBarrier(
    flushedPositionOf(database, settings.BARRIER_STANDBY),
    settings.BARRIER_TIMEOUT_MS,
  );
  await service.app.register(orderRoutes, {
    store: new OrderStore(database, barrier, {
      ownSite: settings.SITE,
      receipts: storage !== null,
    }),
    database,
    cancelling: { database, writes, watch, barrier },
    metrics: new OrderMetrics(service.metrics, () => barrier.waiting),
  });
  const receipts = assembleReceipts(service, receiptsOf(database), settings);
  return { ...service.parts, ...receipts };
}
