/** What the controller tells Prometheus about the application, its runs and itself. */

import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { ShownCertificate } from "@cloudphoenix/adapter-probe";
import {
  ACTION_KINDS,
  type Decision,
  FINAL_RUN_STATUSES,
  LEVELS,
  type RunStatus,
  type Situation,
  type StepRecord,
} from "@cloudphoenix/core";
import { Counter, Gauge, Histogram, Registry } from "@prometheus-io/client";
import { replicationViews } from "../api/views/replication-view.ts";

/** Numbers a prober keeps about itself. */
export interface ProberNumbers {
  readonly probes: number;
  readonly overruns: number;
  readonly latenessP99Ms: number;
  readonly stalledMs: number;
}

/** The writer lease as its observer saw it last. */
export interface LeaseNumbers {
  readonly epoch: number;
  /** Null while it is sealed. */
  readonly holder: string | null;
  readonly renewedAgoMs: number;
}

export interface ControllerMetricsOptions {
  /** Name of the application; every series carries it, so that one Prometheus can watch several. */
  readonly application: string;
  /** Milliseconds of a clock that only goes forward. Default: this process's. */
  readonly monotonicMs?: () => number;
}

/** A run and when something of it was recorded last, monotonic. */
interface LivingRun {
  status: RunStatus;
  recordedAtMs: number;
}

const STEP_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

/** One registry of its own; call `close` when done, it holds a timer of the runtime. */
export class ControllerMetrics {
  readonly registry: Registry = new Registry();
  readonly #loopDelay = monitorEventLoopDelay({ resolution: 50 });
  readonly #score = this.#gauge("site_score", "Points of a site; higher is worse.", ["site"]);
  readonly #coverage = this.#gauge("site_coverage", "Share of a site's points that are known.", [
    "site",
  ]);
  readonly #level = this.#gauge("site_level", "0 none, 1 heal, 2 region, 3 dr.", ["site"]);
  readonly #activeSite = this.#gauge(
    "site_active",
    "1 for the active site, 0 for the others; only a controller that leads says it.",
    ["site"],
  );
  readonly #lag = this.#gauge("replication_lag_seconds", "Heartbeat lag of a standby.", [
    "standby",
  ]);
  readonly #lossBound = this.#gauge("loss_bound_seconds", "What a move now would lose at most.", [
    "standby",
  ]);
  readonly #quarantined = this.#gauge(
    "quarantined_transactions",
    "Transactions that only a quarantined site holds; absent unless a site is quarantined.",
    ["site"],
  );
  readonly #clockAhead = this.#gauge(
    "clock_ahead_seconds",
    "How far this controller's clock was ahead of the state database's when last compared.",
    [],
  );
  readonly #leader = this.#gauge("leader", "1 while this controller leads.", []);
  readonly #actions = this.#counter("decisions_total", "Decisions that said something new.", [
    "action",
  ]);
  readonly #decision = this.#gauge("decision", "1 for the action of the newest decision.", [
    "action",
  ]);
  readonly #runs = this.#counter("runs_ended_total", "Runs that ended, by status.", ["status"]);
  readonly #active = this.#gauge("runs_active", "Runs that have not ended, by status.", ["status"]);
  readonly #steps = new Histogram({
    name: "cloudphoenix_step_duration_seconds",
    help: "Time steps took.",
    labelNames: ["status"],
    buckets: STEP_SECONDS,
    registers: [this.registry],
  });
  readonly #alive = new Map<string, LivingRun>();
  readonly #monotonicMs: () => number;

  constructor(options: ControllerMetricsOptions) {
    const { application, monotonicMs = () => performance.now() } = options;
    this.#monotonicMs = monotonicMs;
    this.registry.setDefaultLabels({ application });
    // A counter that first appears at 1 has not increased for Prometheus: every value starts at 0.
    for (const action of ACTION_KINDS) {
      this.#actions.inc({ action }, 0);
      this.#decision.set({ action }, 0);
    }
    for (const status of FINAL_RUN_STATUSES) this.#runs.inc({ status }, 0);
    this.#reading(
      "run_quiet_seconds",
      "How long the run that is silent longest has recorded nothing; 0 while none is at work.",
      () => this.#quietSeconds(),
    );
    const delay = this.#loopDelay;
    delay.enable();
    this.#reading(
      "event_loop_delay_seconds",
      "How late this process runs, p99 since the last scrape.",
      () => {
        const lateSeconds = delay.percentile(99) / 1e9;
        delay.reset();
        return lateSeconds;
      },
    );
    this.#reading("process_resident_memory_bytes", "Resident memory.", () =>
      process.memoryUsage.rss(),
    );
    this.#reading("process_cpu_seconds_total", "User and system time.", () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    });
  }

  /** The state of the world as the newest decision sees it. */
  seen(decision: Decision, situation: Situation): void {
    for (const action of ACTION_KINDS) {
      this.#decision.set({ action }, action === decision.action.kind ? 1 : 0);
    }
    for (const { site, points, coverage } of [decision.score, ...decision.standbyScores]) {
      this.#score.set({ site }, points);
      this.#coverage.set({ site }, coverage);
      this.#activeSite.set({ site }, site === decision.active ? 1 : 0);
      this.#level.set({ site }, LEVELS.indexOf(decision.levels[site]?.level ?? "none"));
    }
    for (const { standby, lagMs, lossBoundMs } of replicationViews(situation, decision)) {
      // An unknown lag is NaN, not 0: an alert on "absent or high" must fire.
      this.#lag.set({ standby }, lagMs === null ? Number.NaN : lagMs / 1000);
      this.#lossBound.set({ standby }, lossBoundMs === null ? Number.NaN : lossBoundMs / 1000);
    }
  }

  /** A decision that differs from the one before. */
  decided(decision: Decision): void {
    this.#actions.inc({ action: decision.action.kind });
  }

  runStatus(runId: string, status: RunStatus): void {
    const before = this.#alive.get(runId);
    if (before !== undefined) this.#active.dec({ status: before.status });
    if (FINAL_RUN_STATUSES.includes(status)) {
      this.#alive.delete(runId);
      this.#runs.inc({ status });
      return;
    }
    this.#alive.set(runId, { status, recordedAtMs: this.#monotonicMs() });
    this.#active.inc({ status });
  }

  /** A step began, was tried again or ended. */
  stepRecorded(runId: string, { status, startedAtMs, endedAtMs }: StepRecord): void {
    const run = this.#alive.get(runId);
    if (run !== undefined) run.recordedAtMs = this.#monotonicMs();
    if (startedAtMs === null || endedAtMs === null) return;
    this.#steps.observe({ status }, Math.max(0, endedAtMs - startedAtMs) / 1000);
  }

  /** @param transactions - null if it is not known yet; undefined once the site stands by again */
  quarantined(site: string, transactions: number | null | undefined): void {
    if (transactions === undefined) this.#quarantined.remove({ site });
    else this.#quarantined.set({ site }, transactions ?? Number.NaN);
  }

  /** How far the clock of this controller was ahead when it was set by the state database. */
  clockAhead(ms: number): void {
    this.#clockAhead.set(ms / 1_000);
  }

  leads(yes: boolean): void {
    this.#leader.set(yes ? 1 : 0);
  }

  /** Reads a prober's numbers at every scrape. */
  watchProber(read: () => ProberNumbers): void {
    const show = (name: string, help: string, value: (numbers: ProberNumbers) => number): void =>
      this.#reading(name, help, () => value(read()));
    show("probes_total", "Questions asked by this controller.", (one) => one.probes);
    show(
      "probe_overruns_total",
      "Questions skipped: the one before had not ended.",
      (one) => one.overruns,
    );
    show(
      "probe_lateness_seconds",
      "How late questions start, p99.",
      (one) => one.latenessP99Ms / 1000,
    );
    show(
      "probe_stalled_seconds_total",
      "Time in which this process did not run.",
      (one) => one.stalledMs / 1000,
    );
  }

  /** Reads at every scrape when the certificates end that this controller was shown. */
  watchCertificates(read: () => readonly ShownCertificate[]): void {
    const expiry = new Gauge({
      name: "cloudphoenix_certificate_expiry_timestamp_seconds",
      help: "When the certificate a probed address showed last ends, seconds since 1970.",
      labelNames: ["signal", "vantage"],
      registers: [this.registry],
      collect() {
        for (const { signal, vantage, endsAtMs } of read()) {
          expiry.set({ signal, vantage }, endsAtMs / 1000);
        }
      },
    });
  }

  /** Reads the writer lease at every scrape; NaN while it has not been seen. */
  watchLease(sites: readonly string[], read: () => LeaseNumbers | null): void {
    const show = (name: string, help: string, value: (lease: LeaseNumbers) => number): void =>
      this.#reading(name, help, () => {
        const lease = read();
        return lease === null ? Number.NaN : value(lease);
      });
    show(
      "lease_renewed_seconds_ago",
      "Since the last renewal of the writer lease was first seen.",
      (lease) => lease.renewedAgoMs / 1000,
    );
    show("lease_epoch", "Writer epoch the lease is for.", (lease) => lease.epoch);
    show("lease_sealed", "1 while nobody may renew the lease.", (lease) =>
      lease.holder === null ? 1 : 0,
    );
    const holder = new Gauge({
      name: "cloudphoenix_lease_holder",
      help: "1 for the site that holds the writer lease.",
      labelNames: ["site"],
      registers: [this.registry],
      collect() {
        const held = read()?.holder ?? null;
        for (const site of sites) holder.set({ site }, site === held ? 1 : 0);
      },
    });
  }

  /** Reads the number of event clients at every scrape. */
  watchClients(read: () => number): void {
    this.#reading("event_clients", "Clients that follow the event stream.", read);
  }

  async text(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.registry.contentType, text: await this.registry.metrics() };
  }

  close(): void {
    this.#loopDelay.disable();
    this.registry.clear();
  }

  #quietSeconds(): number {
    const nowMs = this.#monotonicMs();
    const quietMs = Array.from(this.#alive.values(), ({ status, recordedAtMs }) =>
      status === "running" ? nowMs - recordedAtMs : 0,
    );
    return Math.max(0, ...quietMs) / 1000;
  }

  /** A metric that is read when it is scraped; a name ending in `_total` only ever grows. */
  #reading(name: string, help: string, read: () => number): void {
    const options = { name: `cloudphoenix_${name}`, help, registers: [] };
    const metric = name.endsWith("_total")
      ? new Counter({
          ...options,
          collect() {
            this.reset();
            this.inc(read());
          },
        })
      : new Gauge({
          ...options,
          collect() {
            this.set(read());
          },
        });
    this.registry.registerMetric(metric);
  }

  #gauge<L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> {
    return new Gauge({
      name: `cloudphoenix_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
    });
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({
      name: `cloudphoenix_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
    });
  }
}
