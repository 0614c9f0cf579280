/** Which faults are at work, and the way to cause and mend them. */
import { CloudPhoenixError, hasCode } from "@cloudphoenix/core";
import { type AppliedFault, FAULTS, type FaultName, type FaultWorld } from "../faults/index.ts";
import type { Impairment } from "../links/index.ts";
import type { Instant, LinkSpec, NetworkOperations } from "../network/operations.ts";
import type { Remote } from "../process/index.ts";
import { otherPlace, type Place } from "./places.ts";
import type { SiteHandle } from "./site-handle.ts";

/** A fault that was caused. */
export interface FaultAtWork {
  readonly fault: FaultName;
  readonly site: string;
  /** When it took effect, epoch ms. */
  readonly atMs: number;
}

export interface FaultBoardOptions {
  readonly network: Remote<NetworkOperations>;
  readonly links: readonly LinkSpec[];
  readonly site: (place: Place) => SiteHandle;
}

export class FaultBoard {
  readonly #options: FaultBoardOptions;
  readonly #atWork = new Map<string, FaultAtWork & { readonly applied: AppliedFault }>();

  constructor(options: FaultBoardOptions) {
    this.#options = options;
  }

  /** Faults at work, oldest first. */
  list(): readonly FaultAtWork[] {
    return [...this.#atWork.values()].map(({ fault, site, atMs }) => ({ fault, site, atMs }));
  }

  /**
   * Causes a fault at a site.
   * @throws {CloudPhoenixError} `CONFLICT` if a lasting fault is at work there already
   */
  async cause(name: FaultName, place: Place): Promise<FaultAtWork> {
    const fault = FAULTS[name];
    const owner = `${name}:${place.cloud}`;
    if (fault.lasting && this.#atWork.has(owner)) {
      throw new CloudPhoenixError("CONFLICT", `${name} is already at work at ${place.id}`, {
        retryable: false,
        hint: "Mend it first.",
      });
    }
    const applied = await fault.apply(this.#worldOf(owner, place));
    const caused = { fault: name, site: place.id, atMs: applied.atMs };
    this.#atWork.set(owner, { ...caused, applied });
    return caused;
  }

  /** Mends one fault wherever it is at work, or all of them, newest first. Idempotent. */
  async mend(name?: FaultName): Promise<readonly FaultAtWork[]> {
    const mended: FaultAtWork[] = [];
    for (const [owner, { applied, ...fault }] of [...this.#atWork].toReversed()) {
      if (name !== undefined && fault.fault !== name) continue;
      await mendUnlessLost(applied);
      this.#atWork.delete(owner);
      mended.push(fault);
    }
    return mended;
  }

  /** Does something to every link that matches, outside of any fault. */
  async impair(
    owner: string,
    matches: (link: LinkSpec) => boolean,
    impairment: Impairment,
  ): Promise<Instant> {
    const links = this.#options.links.filter(matches).map(({ name }) => name);
    return this.#options.network.call("impair", { owner, links, impairment });
  }

  async repair(owner: string): Promise<Instant> {
    return this.#options.network.call("repair", { owner });
  }

  #worldOf(owner: string, place: Place): FaultWorld {
    return {
      place,
      peer: otherPlace(place),
      impair: (matches, impairment) => this.impair(owner, matches, impairment),
      repair: () => this.repair(owner),
      site: this.#options.site(place),
    };
  }
}

/** What was broken inside a site that is lost is gone with it: the site comes back whole. */
async function mendUnlessLost(applied: AppliedFault): Promise<void> {
  try {
    await applied.mend();
  } catch (error) {
    if (!hasCode(error, "NOT_RUNNING")) throw error;
  }
}
