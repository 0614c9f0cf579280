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
  ServerSideCopy,
  type ServerSideMode,
} from "@cloudphoenix/objects";

const MIB = 1024 * 1024;
/** All bodies that are under way in this process. */
const MEMORY_BYTES = 128 * MIB;

export interface CopyPartsOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly serverSide: ServerSideMode;
  /** Over everything that passes this process; null is no limit. */
  readonly bytesPerSecond: number | null;
  /** Told once per pair of stores that the target cannot read the source itself, and why. */
  readonly onGivenUp: (because: string) => void;
}

interface ToolOptions extends Pick<ObjectMemory, "journal"> {
  readonly retries: RetryPolicy;
  /** Every byte passes here, whatever the configuration says. Default: no. */
  readonly streamOnly?: boolean;
}

export class CopyParts {
  readonly #options: CopyPartsOptions;
  readonly #memory = new ByteBudget(MEMORY_BYTES);
  readonly #surroundings: CopyTools["surroundings"];
  readonly #bandwidth: BandwidthLimit;
  /** What has been found out about a pair of stores holds for all that is copied between them. */
  readonly #serverSide = new Map<string, ServerSideCopy>();

  constructor(options: CopyPartsOptions) {
    const { clock, random, bytesPerSecond } = options;
    this.#options = options;
    this.#surroundings = { clock, random };
    this.#bandwidth = new BandwidthLimit(bytesPerSecond, clock);
  }

  tools(
    source: ObjectPlace,
    target: ObjectPlace,
    { journal, retries, streamOnly = false }: ToolOptions,
  ): CopyTools {
    return {
      ...(streamOnly ? {} : { serverSide: this.#between(source, target) }),
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

  #between(source: ObjectPlace, target: ObjectPlace): ServerSideCopy {
    const pair = `${source.store.address} -> ${target.store.address}`;
    const known = this.#serverSide.get(pair);
    if (known !== undefined) return known;
    const { serverSide: mode, onGivenUp, clock } = this.#options;
    const found = new ServerSideCopy({ mode, onGivenUp }, clock);
    this.#serverSide.set(pair, found);
    return found;
  }
}

/** The name under which the state database remembers about copying from one site to another. */
export function pairOf(application: string, from: SiteId, to: SiteId): string {
  return `${application}: ${from} -> ${to}`;
}
