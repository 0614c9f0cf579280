/** What people see of the worker: metrics, log lines, and the state of the queue in `/health`. */
import {
  type DependencyCheck,
  exposeState,
  type Metrics,
  type SiteWatch,
} from "@cloudphoenix/chassis";
import { Counter, Gauge } from "@prometheus-io/client";
import type { FastifyBaseLogger } from "fastify";
import type { QueueWatch } from "./queue-watch.ts";
import type { WorkerEvent } from "./worker.ts";

/** Set-aside orders get a line each: there are few, and somebody has to look at every one. */
export function observeWorker(
  logger: Pick<FastifyBaseLogger, "info" | "warn">,
  metrics: Pick<Metrics, "registry">,
): (event: WorkerEvent) => void {
  const settled = new Counter({
    name: "fulfilment_orders_settled_total",
    help: "Orders worked on, by result: packed, again, set-aside.",
    labelNames: ["result"],
    registers: [metrics.registry],
  });
  for (const result of ["packed", "again", "set-aside"]) settled.inc({ result }, 0);
  const overtaken = new Counter({
    name: "fulfilment_orders_overtaken_total",
    help: "Orders that somebody else decided about while they were worked on.",
    registers: [metrics.registry],
  });
  const open = new Gauge({
    name: "fulfilment_intake_open",
    help: "1 while orders are taken, 0 while this site may not write.",
    registers: [metrics.registry],
  });
  return (event) => {
    switch (event.kind) {
      case "intake":
        open.set(event.open ? 1 : 0);
        logger.info({ open: event.open }, event.open ? "taking orders" : "taking no orders");
        return;
      case "settled":
        for (const result of event.results) {
          settled.inc({ result: result.kind });
          if (result.kind !== "set-aside") continue;
          const { order, reason } = result;
          logger.warn({ order: order.number, attempts: order.attempts, reason }, "order set aside");
        }
        return;
      case "overtaken":
        overtaken.inc(event.numbers.length);
        logger.info({ orders: event.numbers.slice(0, 20) }, "orders were decided about elsewhere");
        return;
      case "failed":
        logger.warn({ err: event.error, pauseMs: event.pauseMs }, "a batch failed");
    }
  };
}

/** Shows the queue as of the last health check or scrape; NaN while the database does not say. */
export function exposeQueue(
  metrics: Pick<Metrics, "registry">,
  queue: Pick<QueueWatch, "state">,
): void {
  exposeState(metrics, () => queue.state(), [
    ["fulfilment_orders_waiting", "Orders that wait, counted up to 10,000.", "waiting"],
    ["fulfilment_orders_set_aside", "Orders set aside, counted up to 10,000.", "setAside"],
    ["fulfilment_oldest_due_seconds", "How long the next order has been due.", "oldestDueSeconds"],
  ]);
}

/**
 * Degrades the service while orders that could be worked on are not. At a site that may not write
 * none can, and that is as it should be.
 */
export function queueCheck(
  queue: QueueWatch,
  watch: Pick<SiteWatch, "observe">,
  lateAfterSeconds: number,
): DependencyCheck {
  return {
    name: "queue",
    critical: false,
    check: async () => {
      const [state, seen] = await Promise.all([queue.state(), watch.observe()]);
      if (state === null) throw new Error("the queue cannot be read");
      if (seen.record?.writesOpen !== true || state.oldestDueSeconds <= lateAfterSeconds) return {};
      const lateSeconds = Math.floor(state.oldestDueSeconds);
      return { degraded: `the next order has been due for ${lateSeconds} s` };
    },
  };
}
