/**
 * What a service counts about itself, in an explicit registry (never the global one).
 *
 * No label takes whatever a request says: routes are patterns, methods and statuses are short lists,
 * dependencies and pools are named in code. So the number of series is fixed by the code.
 */
import { Counter, Gauge, Histogram, Registry } from "@prometheus-io/client";
import type { PoolUsage } from "../database/connection-pool.ts";
import type { CircuitName, CallOutcome } from "../resilience/dependency.ts";
import type { SecretState } from "../secrets/secret.ts";
import { EventLoopDelay } from "./event-loop-delay.ts";

/** What runs, for `build_info`. */
export interface Build {
  readonly service: string;
  readonly version: string;
  readonly commit: string;
}

/** What a service is called and where it runs. */
export interface MetricsOptions extends Build {
  /** On every series: one Prometheus, or one dashboard, may look at several sites. */
  readonly site: string;
}

/** What a scraper gets. */
export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/** Labels of a request. */
export interface RequestLabels {
  readonly method: string;
  /** The pattern, never the path: paths have no bound. */
  readonly route: string;
  readonly status: number;
}

/** Why a connection ended that way; `reset`: its client broke it off. */
export type RefusalReason = "headers-too-large" | "too-slow" | "malformed" | "reset";

const REQUEST_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const CALL_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** Clients may send others; those have one name, whatever they are. */
const METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
]);
const CIRCUIT_VALUES: Readonly<Record<CircuitName, number>> = {
  closed: 0,
  "half-open": 1,
  open: 2,
};

export class Metrics {
  /** For a service's own metrics: pass it as their only register. */
  readonly registry: Registry = new Registry(Registry.OPENMETRICS_CONTENT_TYPE);
  readonly #requests: Histogram<"method" | "route" | "status" | "trace_id">;
  readonly #calls: Histogram<"dependency" | "outcome">;
  readonly #waits: Histogram<"pool">;
  readonly #refused: Counter<"reason">;
  readonly #circuits: (() => Readonly<Record<string, CircuitName>>)[] = [];
  /** Scrapes that are being made, by whether they are in the newer format. */
  readonly #exposing = new Map<boolean, Promise<Exposition>>();
  #lastExposing: Promise<unknown> = Promise.resolve();

  constructor({ site, ...build }: MetricsOptions) {
    const registers = [this.registry];
    this.registry.setDefaultLabels({ site });
    this.#requests = new Histogram<"method" | "route" | "status" | "trace_id">({
      name: "http_request_duration_seconds",
      help: "Time from the request to the end of the answer.",
      labelNames: ["method", "route", "status"],
      buckets: REQUEST_BUCKETS,
      enableExemplars: true,
      registers,
    });
    this.#calls = new Histogram({
      name: "dependency_call_duration_seconds",
      help: "Time of calls to dependencies, by outcome: ok, failed, rejected (never made).",
      labelNames: ["dependency", "outcome"],
      buckets: CALL_BUCKETS,
      registers,
    });
    this.#waits = new Histogram({
      name: "database_connection_wait_seconds",
      help: "How long work waited for a connection of its pool, whether it got one or not.",
      labelNames: ["pool"],
      buckets: CALL_BUCKETS,
      registers,
    });
    this.#refused = new Counter({
      name: "http_connections_refused_total",
      help: "Connections ended because what they sent was no request, and those their clients reset.",
      labelNames: ["reason"],
      registers,
    });
    new Gauge({
      name: "build_info",
      help: "What runs. Always 1.",
      labelNames: ["service", "version", "commit", "node"],
      registers,
    }).set({ ...build, node: process.version }, 1);
    for (const metric of [residentMemory(), cpuTime(), eventLoopDelay()]) {
      this.registry.registerMetric(metric);
    }
  }

  /** @param traceId - of a sampled trace, shown as the exemplar of the bucket */
  requestEnded(labels: RequestLabels, seconds: number, traceId: string | null): void {
    const exemplar = traceId === null ? {} : { exemplarLabels: { trace_id: traceId } };
    const { route, status } = labels;
    const method = METHODS.has(labels.method) ? labels.method : "other";
    this.#requests.observe({ labels: { method, route, status }, value: seconds, ...exemplar });
  }

  callEnded(dependency: string, outcome: CallOutcome, seconds: number): void {
    this.#calls.observe({ dependency, outcome }, seconds);
  }

  connectionAwaited(pool: string, seconds: number): void {
    this.#waits.observe({ pool }, seconds);
  }

  connectionRefused(reason: RefusalReason): void {
    this.#refused.inc({ reason });
  }

  /** Shows the usage of pools. @param usage - read when metrics are scraped; by name of the pool */
  watchPools(usage: () => Readonly<Record<string, PoolUsage>>): void {
    this.registry.registerMetric(
      new Gauge({
        name: "database_connections",
        help: "Connections of each pool (open, idle) and requests waiting for one.",
        labelNames: ["pool", "state"],
        registers: [],
        collect() {
          for (const [pool, { open, idle, waiting }] of Object.entries(usage())) {
            this.set({ pool, state: "open" }, open);
            this.set({ pool, state: "idle" }, idle);
            this.set({ pool, state: "waiting" }, waiting);
          }
        },
      }),
    );
  }

  /**
   * Shows circuits; may be called by each part that has some.
   * @param circuits - read when metrics are scraped; by name of the dependency
   */
  watchCircuits(circuits: () => Readonly<Record<string, CircuitName>>): void {
    this.#circuits.push(circuits);
    if (this.#circuits.length > 1) return;
    const watched = this.#circuits;
    this.registry.registerMetric(
      new Gauge({
        name: "dependency_circuit_state",
        help: "0 closed, 1 half-open, 2 open.",
        labelNames: ["dependency"],
        registers: [],
        collect() {
          for (const [dependency, circuit] of watched.flatMap((each) => Object.entries(each()))) {
            this.set({ dependency }, CIRCUIT_VALUES[circuit]);
          }
        },
      }),
    );
  }

  /** Shows how old secrets are. @param states - read when metrics are scraped; by what they are for */
  watchSecrets(states: () => Readonly<Record<string, SecretState | null>>): void {
    const show = (
      name: string,
      help: string,
      value: (state: SecretState) => number | null,
    ): void => {
      const gauge = new Gauge({
        name,
        help,
        labelNames: ["secret"],
        registers: [],
        collect() {
          gauge.reset();
          for (const [secret, state] of Object.entries(states())) {
            const number = state === null ? null : value(state);
            if (number !== null) gauge.set({ secret }, number);
          }
        },
      });
      this.registry.registerMetric(gauge);
    };
    show(
      "secret_written_timestamp_seconds",
      "When the value in use was written, seconds since 1970; absent if its store does not say.",
      ({ writtenAtMs }) => (writtenAtMs === null ? null : writtenAtMs / 1_000),
    );
    show(
      "secret_expiry_timestamp_seconds",
      "When the value in use expires, seconds since 1970; absent if it does not.",
      ({ expiresAtMs }) => (expiresAtMs === null ? null : expiresAtMs / 1_000),
    );
    show("secret_stale", "1 while an old value is used because its store failed.", ({ isStale }) =>
      isStale ? 1 : 0,
    );
  }

  /**
   * The text exposition and its content type: OpenMetrics, with exemplars, for scrapers that ask
   * for it; the Prometheus format for all others. Who asks while one is being made shares it, so
   * that at most two are, however many ask.
   */
  expose(accept?: string): Promise<Exposition> {
    const openMetrics = accept?.includes("application/openmetrics-text") === true;
    const running = this.#exposing.get(openMetrics);
    if (running !== undefined) return running;
    // One after the other: the format is a setting of the registry.
    const exposing = this.#lastExposing
      .then(() => this.#exposeAs(openMetrics))
      .finally(() => this.#exposing.delete(openMetrics));
    this.#exposing.set(openMetrics, exposing);
    this.#lastExposing = exposing.catch(() => undefined);
    return exposing;
  }

  async #exposeAs(openMetrics: boolean): Promise<Exposition> {
    const { registry } = this;
    registry.setContentType(
      openMetrics ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE,
    );
    const metrics = registry.getMetricsAsArray();
    const names = metrics.map(({ name }) => name);
    const text = await registry.metrics();
    // The OpenMetrics exposition takes `_total` off the counters and leaves it off.
    metrics.forEach((metric, index) => {
      metric.name = names[index] ?? metric.name;
    });
    return { contentType: registry.contentType, text };
  }
}

function residentMemory(): Gauge {
  return new Gauge({
    name: "process_resident_memory_bytes",
    help: "Memory of the process.",
    registers: [],
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
}

function cpuTime(): Counter {
  return new Counter({
    name: "process_cpu_seconds_total",
    help: "Processor time used since the start, in user and system mode.",
    registers: [],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
}

function eventLoopDelay(): Gauge<"quantile"> {
  const delay = new EventLoopDelay();
  return new Gauge({
    name: "nodejs_eventloop_delay_seconds",
    help: "How late timers fired in the last half to one minute.",
    labelNames: ["quantile"],
    registers: [],
    collect() {
      const seconds = delay.read();
      this.set({ quantile: "0.5" }, seconds[50]);
      this.set({ quantile: "0.9" }, seconds[90]);
      this.set({ quantile: "0.99" }, seconds[99]);
      this.set({ quantile: "1" }, seconds[100]);
    },
  });
}
