/** Puts the parts together and takes them apart in order. */
import { setTimeout as delay } from "node:timers/promises";
import type { FastifyBaseLogger } from "fastify";
import { buildApp } from "./app.ts";
import { Database } from "./database.ts";
import { DurabilityBarrier, flushedPositionOf } from "./durability-barrier.ts";
import { Health } from "./health.ts";
import { Metrics } from "./metrics.ts";
import { OrderStore } from "./order-store.ts";
import type { Settings } from "./settings.ts";
import { SiteReader } from "./site-record.ts";
import { SiteWatch } from "./site-watch.ts";

/** A listening service. */
export interface RunningService {
  readonly port: number;
  /**
   * Stops in order: not ready, a pause in which load balancers see that, no new connections,
   * requests in flight finish, connections to the database close. Never throws twice.
   */
  drain(): Promise<void>;
}

/**
 * Listens as `settings` say. The database need not be there: until it is, the service is live but
 * not ready.
 */
export async function startService(
  settings: Settings,
  logger: FastifyBaseLogger,
): Promise<RunningService> {
  const onLost = (error: Error): void => {
    logger.warn({ reason: error.message }, "a database connection was lost");
  };
  // Probes, the barrier and cancel requests must reach the database even when every order waits.
  const watch = new Database(settings.database, {
    name: `orders ${settings.pod} watch`,
    max: 2,
    connectTimeoutMs: 400,
    statementTimeoutMs: 400,
    cancel: null,
    onLost,
  });
  const orders = new Database(settings.database, {
    name: `orders ${settings.pod}`,
    max: settings.database.poolMax,
    connectTimeoutMs: 1_000,
    statementTimeoutMs: settings.database.statementTimeoutMs,
    cancel: (processId) =>
      watch.query({ text: "select pg_cancel_backend($1)", values: [processId] }),
    onLost,
  });
  const barrier = new DurabilityBarrier(
    flushedPositionOf(watch, settings.barrierStandby),
    settings.barrierTimeoutMs,
  );
  const health = new Health(settings, new SiteWatch(new SiteReader(watch, settings.site)));
  const metrics = new Metrics(() => ({
    pools: { orders: orders.usage, watch: watch.usage },
    barrierWaiting: barrier.waiting,
  }));
  const store = new OrderStore(orders, barrier, settings.site);
  const app = buildApp({ logger, store, health, metrics });
  const url = await app.listen({ host: settings.host, port: settings.port });
  return {
    port: Number(new URL(url).port),
    async drain() {
      health.beginDraining();
      await delay(settings.shutdownDelayMs);
      await app.close();
      await Promise.all([orders.close(), watch.close()]);
    },
  };
}
