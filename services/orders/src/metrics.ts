/** What the service counts about itself, in an explicit registry (never the global one). */
import { Counter, Gauge, Histogram, Registry } from "@prometheus-io/client";

/** Sources of gauges, read when metrics are scraped. */
export interface MetricSources {
  readonly pools: Readonly<
    Record<string, { readonly open: number; readonly idle: number; readonly waiting: number }>
  >;
  readonly barrierWaiting: number;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Histogram<"method" | "route" | "status">;
  readonly #orders: Counter<"outcome">;

  constructor(sources: () => MetricSources) {
    const registers = [this.#registry];
    this.#requests = new Histogram({
      name: "orders_http_request_duration_seconds",
      help: "Time from the request to the end of the answer.",
      labelNames: ["method", "route", "status"],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    });
    this.#orders = new Counter({
      name: "orders_placed_total",
      help: "Acknowledged orders by outcome: created or replayed.",
      labelNames: ["outcome"],
      registers,
    });
    this.#registry.registerMetric(connectionsGauge(sources));
    this.#registry.registerMetric(barrierGauge(sources));
  }

  /** @param route - the pattern, never the path: paths have no bound */
  requestEnded(labels: { method: string; route: string; status: number }, seconds: number): void {
    this.#requests.observe(labels, seconds);
  }

  orderPlaced(outcome: "created" | "replayed"): void {
    this.#orders.inc({ outcome });
  }

  /** The text exposition and its content type. */
  async expose(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }
}

function connectionsGauge(sources: () => MetricSources): Gauge<"pool" | "state"> {
  return new Gauge({
    name: "orders_database_connections",
    help: "Connections of each pool (open, idle) and requests waiting for one.",
    labelNames: ["pool", "state"],
    registers: [],
    collect() {
      for (const [pool, usage] of Object.entries(sources().pools)) {
        this.set({ pool, state: "open" }, usage.open);
        this.set({ pool, state: "idle" }, usage.idle);
        this.set({ pool, state: "waiting" }, usage.waiting);
      }
    },
  });
}

function barrierGauge(sources: () => MetricSources): Gauge {
  return new Gauge({
    name: "orders_barrier_waiting",
    help: "Commits not yet acknowledged because the standby has not flushed them.",
    registers: [],
    collect() {
      this.set(sources().barrierWaiting);
    },
  });
}
