/** What people see of the receipts: metrics, log lines, and the state of the queue in `/health`. */
import {
  type DependencyCheck,
  exposeState,
  type Metrics,
  type SiteWatch,
} from "@cloudphoenix/chassis";
import { Counter } from "@prometheus-io/client";
import type { FastifyBaseLogger } from "fastify";
import type { ReceiptResult } from "./receipt-queue.ts";
import type { ReceiptWatch } from "./receipt-state.ts";
import type { ReceiptEvent } from "./receipt-writer.ts";

/** What can come of the work on a receipt, as its metric says it. */
export const RECEIPT_RESULTS = ["stored", "found", "remade", "later", "set-aside"] as const;

/** Receipts that were set aside get a line each: there are few, and somebody has to look at them. */
export function observeReceipts(
  logger: Pick<FastifyBaseLogger, "info" | "warn" | "error">,
  metrics: Pick<Metrics, "registry">,
): (event: ReceiptEvent) => void {
  const settled = new Counter({
    name: "orders_receipts_settled_total",
    help: "Receipts worked on: stored; found at this site or remade after another site's store had acknowledged them; later; set-aside.",
    labelNames: ["result"],
    registers: [metrics.registry],
  });
  for (const result of RECEIPT_RESULTS) settled.inc({ result }, 0);
  return (event) => {
    switch (event.kind) {
      case "settled":
        for (const result of event.results) {
          settled.inc({ result: nameOf(result) });
          if (result.kind !== "set-aside") continue;
          const { receipt, reason } = result;
          logger.error(
            { order: receipt.orderId, key: receipt.objectKey, reason },
            "receipt set aside",
          );
        }
        return;
      case "store":
        if (event.up) logger.info("receipts are written again");
        else
          logger.warn({ err: event.error }, "the object store fails: receipts wait, orders go on");
        return;
      case "requeued":
        logger.info({ receipts: event.receipts }, "receipts of another site are looked for");
        return;
      case "failed":
        logger.warn({ err: event.error, pauseMs: event.pauseMs }, "a batch of receipts failed");
    }
  };
}

function nameOf(result: ReceiptResult): (typeof RECEIPT_RESULTS)[number] {
  if (result.kind !== "stored") return result.kind;
  if (!result.receipt.again) return "stored";
  return result.found ? "found" : "remade";
}

/** Shows the queue as of the last health check or scrape; NaN while the database does not say. */
export function exposeReceipts(
  metrics: Pick<Metrics, "registry">,
  watch: Pick<ReceiptWatch, "state">,
): void {
  exposeState(metrics, () => watch.state(), [
    ["orders_receipts_waiting", "Receipts that wait, counted up to 10,000.", "waiting"],
    ["orders_receipts_set_aside", "Receipts set aside, counted up to 10,000.", "setAside"],
    [
      "orders_receipts_oldest_waiting_seconds",
      "How long the oldest receipt that was never stored has waited.",
      "oldestWaitingSeconds",
    ],
  ]);
}

/** Degrades the service while receipts that could be written are late. */
export function receiptsCheck(
  receipts: ReceiptWatch,
  site: Pick<SiteWatch, "observe">,
  lateAfterSeconds: number,
): DependencyCheck {
  return {
    name: "receipts",
    critical: false,
    check: async () => {
      const [state, seen] = await Promise.all([receipts.state(), site.observe()]);
      if (state === null) throw new Error("the receipts cannot be counted");
      const late = state.oldestWaitingSeconds > lateAfterSeconds;
      if (seen.record?.writesOpen !== true || !late) return {};
      const seconds = Math.floor(state.oldestWaitingSeconds);
      return { degraded: `${state.waiting} receipts wait, the oldest for ${seconds} s` };
    },
  };
}
