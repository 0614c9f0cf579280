/**
 * How the site is, as its orders service tells it: for pages, and for what the storefront says of itself.
 *
 * However many want to know, the orders service is asked once at a time and waited for 800 ms at most:
 * it takes up to 400 ms itself to say that something of its own does not answer.
 */
import {
  type DependencyCheck,
  DependencyError,
  monotonicMs,
  type Observation,
  type SiteRecord,
  SiteWatch,
} from "@cloudphoenix/chassis";
import type { Site } from "./order-answers.ts";

const WAIT_MS = 800;
/** More than it needs to find out that something of its own does not answer. */
const SLOW_MS = 600;
/** Pages take an answer of this age; probes a younger one, as everywhere. */
const PAGE_AGE_MS = 1_000;

/** The state of the site, and all that the orders service said with it. */
interface Told extends SiteRecord {
  readonly told: Site;
}

/** The orders service answered; its database did not. */
class StateUnknownError extends DependencyError {
  readonly told: Site;

  constructor(told: Site) {
    super("The orders service does not know the state of its site.");
    this.told = told;
  }
}

export class SiteView {
  /** The state of the site. */
  readonly watch: SiteWatch<Told>;

  /** @param ask - asks the orders service of the same site */
  constructor(ask: (signal: AbortSignal) => Promise<Site>) {
    const read = async (signal: AbortSignal): Promise<Told> => recordOf(await ask(signal));
    this.watch = new SiteWatch({ read }, monotonicMs, WAIT_MS);
  }

  /** Null if the orders service does not say. Never throws. */
  async now(): Promise<Site | null> {
    return toldIn(await this.watch.observe(PAGE_AGE_MS));
  }

  /**
   * The orders service as a dependency. Without it the page still says what happens, so requests are
   * sent here; users had better be sent to the other site.
   */
  get check(): DependencyCheck {
    return {
      name: "orders",
      critical: true,
      keepsReady: true,
      slowMs: SLOW_MS,
      timeoutMs: WAIT_MS * 2,
      check: async () => {
        const seen = await this.watch.observe();
        const { responseMs } = seen;
        const site = toldIn(seen);
        if (site === null) throw seen.failure ?? new DependencyError("Orders say nothing.");
        return site.status === "healthy"
          ? { responseMs }
          : { [site.status]: ailmentOf(site), responseMs };
      },
    };
  }
}

function toldIn({ record, failure }: Observation<Told>): Site | null {
  return record?.told ?? (failure instanceof StateUnknownError ? failure.told : null);
}

function recordOf(told: Site): Told {
  const { site, role, generation, writesOpen, durability, leaseRemainingMs } = told;
  if (role === "unknown" || durability === "unknown") throw new StateUnknownError(told);
  // A lease that has lapsed is for the orders service to report.
  const lease = { leaseRemainingMs, leaseLapsed: false };
  return { site, role, generation, writesOpen, durability, ...lease, told };
}

/** `storage is unhealthy (timed out)` */
function ailmentOf({ dependencies, status }: Site): string {
  const ailing = dependencies.filter((each) => each.status !== "healthy");
  if (ailing.length === 0) return `it says it is ${status}`;
  return ailing
    .map(({ name, status: how, error = "slow" }) => `${name} is ${how} (${error})`)
    .join(", ");
}
