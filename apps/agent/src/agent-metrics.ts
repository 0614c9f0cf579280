/** What an agent tells Prometheus about its lease, its probes and itself. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { ProbeWheelMetrics, ShownCertificate } from "@cloudphoenix/adapter-probe";
import { Counter, Gauge, Registry } from "@prometheus-io/client";
import type { LeaseView } from "./lease/lease-office.ts";

/** What is read at every scrape. */
export interface AgentSources {
  readonly probes: () => ProbeWheelMetrics;
  readonly certificates: () => readonly ShownCertificate[];
  /** Null at a vantage that keeps no lease. */
  readonly lease: (() => LeaseView) | null;
}

/** Labels of every series. */
export interface AgentLabels {
  readonly application: string;
  readonly vantage: string;
}

/** One registry of its own; call `close` when done, it holds a timer of the runtime. */
export class AgentMetrics {
  readonly registry: Registry = new Registry();
  readonly #loopDelay = monitorEventLoopDelay({ resolution: 50 });

  constructor(labels: AgentLabels, sources: AgentSources) {
    this.registry.setDefaultLabels({ ...labels });
    this.#watchProbes(sources);
    this.#watchCertificates(sources);
    if (sources.lease !== null) this.#watchLease(sources.lease);
    const delay = this.#loopDelay;
    delay.enable();
    this.#gauge("agent_event_loop_delay_seconds", {
      help: "How late this agent runs, p99 since the last scrape.",
      collect(gauge) {
        gauge.set(delay.percentile(99) / 1e9);
        delay.reset();
      },
    });
  }

  async text(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.registry.contentType, text: await this.registry.metrics() };
  }

  close(): void {
    this.#loopDelay.disable();
    this.registry.clear();
  }

  #watchProbes({ probes }: AgentSources): void {
    this.#counter("agent_probes_total", {
      help: "Questions asked by this agent.",
      collect: (counter) => counter.inc(probes().probes),
    });
    this.#counter("agent_probe_overruns_total", {
      help: "Questions skipped: the one before had not ended.",
      collect: (counter) => counter.inc(probes().overruns),
    });
    this.#counter("agent_probe_stalled_seconds_total", {
      help: "Time in which this agent did not run.",
      collect: (counter) => counter.inc(probes().stalledMs / 1_000),
    });
  }

  #watchCertificates({ certificates }: AgentSources): void {
    this.#gauge("certificate_expiry_timestamp_seconds", {
      help: "When the certificate a probed address showed last ends, seconds since 1970.",
      labelNames: ["signal"],
      collect(gauge) {
        for (const { signal, endsAtMs } of certificates()) gauge.set({ signal }, endsAtMs / 1_000);
      },
    });
  }

  #watchLease(view: () => LeaseView): void {
    this.#gauge("agent_lease_held", {
      help: "1 while the last round renewed the lease of the site.",
      labelNames: ["site"],
      collect(gauge) {
        const { site, state } = view();
        gauge.set({ site }, state === "renewed" ? 1 : 0);
      },
    });
    this.#gauge("agent_lease_renewed_seconds_ago", {
      help: "Time since the last renewal; NaN if there was none.",
      labelNames: ["site"],
      collect(gauge) {
        const { site, renewedAgoMs } = view();
        gauge.set({ site }, renewedAgoMs === null ? Number.NaN : renewedAgoMs / 1_000);
      },
    });
    this.#counter("agent_lease_rounds_total", {
      help: "Rounds of the keeper by outcome.",
      labelNames: ["site", "outcome"],
      collect(counter) {
        const { site, rounds } = view();
        for (const [outcome, count] of Object.entries(rounds))
          counter.inc({ site, outcome }, count);
      },
    });
  }

  #gauge(name: string, { help, labelNames = [], collect }: Reading<Gauge<string>>): void {
    this.registry.registerMetric(
      new Gauge<string>({
        name: `cloudphoenix_${name}`,
        help,
        labelNames: [...labelNames],
        registers: [],
        collect() {
          collect(this);
        },
      }),
    );
  }

  /** Begins at 0 at every scrape: what is read is a sum already. */
  #counter(name: string, { help, labelNames = [], collect }: Reading<Counter<string>>): void {
    this.registry.registerMetric(
      new Counter<string>({
        name: `cloudphoenix_${name}`,
        help,
        labelNames: [...labelNames],
        registers: [],
        collect() {
          this.reset();
          collect(this);
        },
      }),
    );
  }
}

/** A metric that is read when it is scraped. */
interface Reading<M> {
  readonly help: string;
  readonly labelNames?: readonly string[];
  readonly collect: (metric: M) => void;
}
