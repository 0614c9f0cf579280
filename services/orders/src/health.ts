/** What the service says about itself to probes. */
import type { Settings } from "./settings.ts";
import type { SiteRecord } from "./site-record.ts";
import type { Observation, SiteWatch } from "./site-watch.ts";

type Status = "healthy" | "degraded" | "unhealthy";

/** Answer of `/health`. CloudPhoenix probes read it; fields may be added, never changed. */
export interface HealthReport extends Identity {
  readonly status: Status;
  readonly durability: SiteRecord["durability"] | "unknown";
  readonly dependencies: readonly Dependency[];
}

/** Answer of `/cloud-status`: who serves the caller. */
export interface CloudStatus extends Identity {}

interface Identity {
  readonly site: string;
  readonly cloud: string;
  readonly region: string;
  readonly pod: string;
  /** `unknown` while the database does not answer: an old answer would be a guess. */
  readonly role: SiteRecord["role"] | "unknown";
  readonly generation: number;
  readonly writesOpen: boolean;
}

interface Dependency {
  readonly name: "database" | "writer-lease";
  readonly status: Status;
  readonly responseMs: number;
  readonly error?: string;
}

/** Slower than this, orders still work but people notice. */
const SLOW_DATABASE_MS = 200;

/** How old an answer may be. Short enough that a failure is seen by the next probe. */
const HEALTH_AGE_MS = 250;
const CLOUD_STATUS_AGE_MS = 200;

export class Health {
  readonly #settings: Settings;
  readonly #watch: SiteWatch;
  #draining = false;

  constructor(settings: Settings, watch: SiteWatch) {
    this.#settings = settings;
    this.#watch = watch;
  }

  /** From now on the service says it is not ready. */
  beginDraining(): void {
    this.#draining = true;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /**
   * Whether users may be sent here: this site takes writes now. Stricter than readiness, which a
   * standby has as well.
   */
  async takesWrites(): Promise<boolean> {
    if (this.#draining) return false;
    const seen = await this.#watch.observe(HEALTH_AGE_MS);
    return seen.record?.writesOpen === true && !this.draining;
  }

  /**
   * A standby that refuses writes does what it is there for: it is healthy. Never throws and
   * never takes longer than the look at the database may take (400 ms).
   */
  async report(): Promise<HealthReport> {
    const seen = await this.#watch.observe(HEALTH_AGE_MS);
    const dependencies = [databaseOf(seen), ...leaseOf(seen)];
    return {
      status: worstOf(dependencies),
      ...this.#identity(seen),
      durability: seen.record?.durability ?? "unknown",
      dependencies,
    };
  }

  /** Whether new requests should be sent here. */
  async ready(): Promise<boolean> {
    if (this.#draining) return false;
    const seen = await this.#watch.observe(HEALTH_AGE_MS);
    // Asked again: draining may have begun while the database was asked.
    return seen.outage === null && !this.draining;
  }

  async cloudStatus(): Promise<CloudStatus> {
    return this.#identity(await this.#watch.observe(CLOUD_STATUS_AGE_MS));
  }

  #identity(seen: Observation): Identity {
    return {
      site: seen.record?.site ?? this.#settings.site,
      cloud: this.#settings.cloud,
      region: this.#settings.region,
      pod: this.#settings.pod,
      role: seen.record?.role ?? "unknown",
      generation: seen.record?.generation ?? 0,
      writesOpen: seen.record?.writesOpen ?? false,
    };
  }
}

/** Told only when it stops the site from doing its work. */
function leaseOf({ record, responseMs }: Observation): readonly Dependency[] {
  if (record?.leaseLapsed !== true) return [];
  const error = "lapsed: writes are refused until the agent of this site renews it";
  return [{ name: "writer-lease", status: "unhealthy", responseMs, error }];
}

function worstOf(dependencies: readonly Dependency[]): Status {
  const grave = (["unhealthy", "degraded"] as const).find((status) =>
    dependencies.some((dependency) => dependency.status === status),
  );
  return grave ?? "healthy";
}

function databaseOf(seen: Observation): Dependency {
  const name = "database";
  if (seen.outage !== null) {
    return { name, status: "unhealthy", responseMs: seen.responseMs, error: seen.outage };
  }
  const status = seen.responseMs > SLOW_DATABASE_MS ? "degraded" : "healthy";
  return { name, status, responseMs: seen.responseMs };
}
