/**
 * What a service says about itself to probes, load balancers and traffic managers.
 *
 * 1. Every answer is bounded in time and none is older than 250 ms.
 * 2. However many ask, each dependency is asked once at a time.
 * 3. A standby that refuses writes does what it is there for: it is healthy and ready, and takes
 *    no users' traffic.
 */
import { performance } from "node:perf_hooks";
import type { Durability, SiteRecord } from "../failover/site-record.ts";
import type { Observation, SiteWatch } from "../failover/site-watch.ts";
import { withTimeout } from "../resilience/with-timeout.ts";
import type { DependencyCheck, DependencyHealth, Status } from "./dependency-check.ts";
import { messageOfOutage } from "./outage-text.ts";

/** Who answers. */
export interface Identity {
  readonly site: string;
  readonly cloud: string;
  readonly region: string;
  readonly pod: string;
}

/** Who serves the caller, and whether it may write. */
export interface SiteStatus extends Identity {
  /** `unknown` while nobody who knows answers: an old answer would be a guess. */
  readonly role: SiteRecord["role"] | "unknown";
  /** Writer epoch; 0 without CloudPhoenix. */
  readonly generation: number;
  readonly writesOpen: boolean;
  /** Null: no lease is in force. */
  readonly leaseRemainingMs: number | null;
}

/** Answer of `/cloud-status`: the same, and how what it stores things in is. */
export interface CloudStatus extends SiteStatus {
  /** Null: the service has none. */
  readonly database: Status | null;
  /** Null: the service has none, so nothing is promised that would be in it. */
  readonly storage: Status | null;
}

/** Answer of `/health`. CloudPhoenix probes read it; fields may be added, never changed. */
export interface HealthReport extends SiteStatus {
  readonly status: Status;
  readonly durability: Durability | "unknown";
  readonly dependencies: readonly DependencyHealth[];
}

/** Answer of `/ready`, `/startup` and `/traffic`: the state in a word. */
export interface Readiness {
  readonly ok: boolean;
  readonly status: "ready" | "starting" | "not ready" | "draining" | "writes closed";
}

/** What health is told of. */
export interface HealthOptions {
  readonly identity: Identity;
  /** Null: the service has no site that CloudPhoenix moves. */
  readonly watch: SiteWatch | null;
  readonly checks: readonly DependencyCheck[];
}

const AGE_MS = 250;
const SLOW_MS = 200;
const TIMEOUT_MS = 400;

export class Health {
  readonly #options: HealthOptions;
  readonly #checks: readonly CheckRunner[];
  #started = false;
  #draining = false;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#checks = options.checks.map((check) => new CheckRunner(check));
  }

  /** The service has done what it does once at start. A database that is down does not delay it. */
  markStarted(): void {
    this.#started = true;
  }

  /** From now on the service says it is not ready. */
  beginDraining(): void {
    this.#draining = true;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** The whole report. Never throws. */
  async report(): Promise<HealthReport> {
    const [seen, dependencies] = await Promise.all([this.#observe(), this.#dependencies()]);
    return {
      status: overall(this.#options.checks, dependencies),
      ...this.#statusOf(seen),
      durability: seen?.record?.durability ?? "unknown",
      dependencies,
    };
  }

  async cloudStatus(): Promise<CloudStatus> {
    const [seen, dependencies] = await Promise.all([this.#observe(), this.#dependencies()]);
    const statusOf = (name: string): Status | null =>
      dependencies.find((each) => each.name === name)?.status ?? null;
    return {
      ...this.#statusOf(seen),
      database: statusOf("database"),
      storage: statusOf("storage"),
    };
  }

  /** Whether the orchestrator may begin to ask for readiness and liveness. */
  startup(): Readiness {
    return this.#started ? { ok: true, status: "ready" } : { ok: false, status: "starting" };
  }

  /** Whether requests may be sent to this process. */
  async ready(): Promise<Readiness> {
    if (this.#draining) return { ok: false, status: "draining" };
    if (!this.#started) return { ok: false, status: "starting" };
    const dependencies = await this.#dependencies();
    // Asked again: draining may have begun while the dependencies were asked.
    if (this.draining) return { ok: false, status: "draining" };
    const { checks } = this.#options;
    const useless = dependencies.some(
      ({ status }, index) =>
        status === "unhealthy" &&
        checks[index]?.critical === true &&
        checks[index]?.keepsReady !== true,
    );
    return useless ? { ok: false, status: "not ready" } : { ok: true, status: "ready" };
  }

  /** Whether users may be sent to this site: it is ready and may take writes. */
  async traffic(): Promise<Readiness> {
    const [ready, seen] = await Promise.all([this.ready(), this.#observe()]);
    if (!ready.ok || seen === null) return ready;
    if (seen.record === null) return { ok: false, status: "not ready" };
    return seen.record.writesOpen ? ready : { ok: false, status: "writes closed" };
  }

  #observe(): Promise<Observation | null> {
    return this.#options.watch?.observe(AGE_MS) ?? Promise.resolve(null);
  }

  #dependencies(): Promise<readonly DependencyHealth[]> {
    return Promise.all(this.#checks.map((check) => check.health()));
  }

  #statusOf(seen: Observation | null): SiteStatus {
    const { identity } = this.#options;
    return {
      ...identity,
      site: seen?.record?.site ?? identity.site,
      role: seen?.record?.role ?? "unknown",
      generation: seen?.record?.generation ?? 0,
      writesOpen: seen?.record?.writesOpen ?? false,
      leaseRemainingMs: seen?.record?.leaseRemainingMs ?? null,
    };
  }
}

/** One check, asked once at a time, its answer kept for a moment. */
class CheckRunner {
  readonly #check: DependencyCheck;
  #running: Promise<DependencyHealth> | null = null;
  #last: { readonly health: DependencyHealth; readonly atMs: number } | null = null;
  #lastError: { readonly error: string; readonly atMs: number } | null = null;

  constructor(check: DependencyCheck) {
    this.#check = check;
  }

  async health(): Promise<DependencyHealth> {
    if (this.#last !== null && performance.now() - this.#last.atMs < AGE_MS) {
      return this.#last.health;
    }
    this.#running ??= this.#ask().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #ask(): Promise<DependencyHealth> {
    const startedMs = performance.now();
    const { status, error, responseMs } = await this.#answer();
    const endedMs = performance.now();
    if (error !== undefined) this.#lastError = { error, atMs: endedMs };
    const health = {
      name: this.#check.name,
      status,
      responseMs: Math.round((responseMs ?? endedMs - startedMs) * 10) / 10,
      ...(error === undefined ? {} : { error }),
      ...this.#lastErrorAt(endedMs),
    };
    this.#last = { health, atMs: endedMs };
    return health;
  }

  async #answer(): Promise<{ status: Status; error?: string; responseMs?: number }> {
    const startedMs = performance.now();
    try {
      const answer = await withTimeout(this.#check.timeoutMs ?? TIMEOUT_MS, (signal) =>
        this.#check.check(signal),
      );
      const responseMs = answer.responseMs ?? performance.now() - startedMs;
      if (answer.unhealthy !== undefined) {
        return { status: "unhealthy", error: answer.unhealthy, responseMs };
      }
      if (answer.degraded !== undefined) {
        return { status: "degraded", error: answer.degraded, responseMs };
      }
      const slow = responseMs > (this.#check.slowMs ?? SLOW_MS);
      return { status: slow ? "degraded" : "healthy", responseMs };
    } catch (error) {
      return { status: "unhealthy", error: messageOfOutage(error) };
    }
  }

  #lastErrorAt(nowMs: number): Pick<DependencyHealth, "lastError"> {
    if (this.#lastError === null) return {};
    const { error, atMs } = this.#lastError;
    return { lastError: { error, agoMs: Math.round(nowMs - atMs) } };
  }
}

/** A dependency that is not critical can make the service worse, not useless. */
function overall(
  checks: readonly DependencyCheck[],
  dependencies: readonly DependencyHealth[],
): Status {
  const worst = dependencies.map(({ status }, index) =>
    status === "unhealthy" && checks[index]?.critical !== true ? "degraded" : status,
  );
  if (worst.includes("unhealthy")) return "unhealthy";
  return worst.includes("degraded") ? "degraded" : "healthy";
}
