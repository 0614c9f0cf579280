/** What this service counts beside what every service counts. */
import type { Metrics } from "@cloudphoenix/chassis";
import { Counter, Gauge } from "@prometheus-io/client";

export class OrderMetrics {
  readonly #orders: Counter<"outcome">;

  /** @param barrierWaiting - read when metrics are scraped */
  constructor({ registry }: Pick<Metrics, "registry">, barrierWaiting: () => number) {
    this.#orders = new Counter({
      name: "orders_placed_total",
      help: "Acknowledged orders by outcome: created or replayed.",
      labelNames: ["outcome"],
      registers: [registry],
    });
    registry.registerMetric(
      new Gauge({
        name: "orders_barrier_waiting",
        help: "Commits not yet acknowledged because the standby has not flushed them.",
        registers: [],
        collect() {
          this.set(barrierWaiting());
        },
      }),
    );
  }

  orderPlaced(outcome: "created" | "replayed"): void {
    this.#orders.inc({ outcome });
  }
}
