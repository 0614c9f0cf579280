/** What all copying of this process shares, and the tools for one pair of stores. */
import type { ObjectMemory } from "@cloudphoenix/adapter-dbos";
import type { SiteId } from "@cloudphoenix/core";
import type { Clock, Random } from "@cloudphoenix/engine";
import {
  BandwidthLimit,
  ByteBudget,
  type CopyTools,
  DEFAULT_SIZES,
  type ObjectPlace,
  type RetryPolicy,
} from "@cloudphoenix/objects";

const MIB = 1024 * 1024;
/** All bodies that are under way in this process. */
const MEMORY_BYTES = 128 * MIB;

export class CopyParts {
  readonly #memory = new ByteBudget(MEMORY_BYTES);
  readonly #surroundings: CopyTools["surroundings"];
  readonly #bandwidth: BandwidthLimit;

  constructor(clock: Clock, random: Random) {
    this.#surroundings = { clock, random };
    this.#bandwidth = new BandwidthLimit(null, clock);
  }

  tools(
    source: ObjectPlace,
    target: ObjectPlace,
    { journal, retries }: { readonly retries: RetryPolicy } & Pick<ObjectMemory, "journal">,
  ): CopyTools {
    return {
      source: source.store,
      target: target.store,
      surroundings: this.#surroundings,
      retries,
      journal,
      sizes: DEFAULT_SIZES,
      memory: this.#memory,
      bandwidth: this.#bandwidth,
    };
  }
}

/** The name under which the state database remembers about copying from one site to another. */
export function pairOf(application: string, from: SiteId, to: SiteId): string {
  return `${application}: ${from} -> ${to}`;
}
