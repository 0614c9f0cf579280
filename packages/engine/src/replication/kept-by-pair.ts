/** What one leader finds out about a writer and a follower of it, kept in the state database for the next. */
import type { Json, SiteId } from "@cloudphoenix/core";
import type { FactStore } from "../ports/state-store.ts";

/** A writer and a site that follows it. */
export interface ComparedPair {
  readonly active: SiteId;
  readonly standby: SiteId;
}

export interface KeptByPairOptions<T> {
  readonly facts: FactStore;
  /** What the keys of its facts begin with. */
  readonly name: string;
  /** Null for what is none. */
  readonly parse: (stored: Json) => T | null;
  readonly store: (value: T) => Json;
}

export class KeptByPair<T> {
  readonly #options: KeptByPairOptions<T>;
  /** What is in the state database, by key; null if nothing is. Absent: not read yet. */
  readonly #kept = new Map<string, T | null>();
  readonly #busy = new Set<string>();

  constructor(options: KeptByPairOptions<T>) {
    this.#options = options;
  }

  /** Nothing that was read before counts: another leader may know more since. */
  forget(): void {
    this.#kept.clear();
  }

  /** Reads what an earlier leader kept, once. @throws {CloudPhoenixError} `STATE_UNAVAILABLE` */
  async recall(pair: ComparedPair): Promise<void> {
    const key = this.#keyOf(pair);
    if (this.#kept.has(key)) return;
    const stored = this.#options.parse(await this.#options.facts.get(key));
    if (!this.#kept.has(key)) this.#kept.set(key, stored);
  }

  /** As far as it was kept or recalled by this process. */
  get(pair: ComparedPair): T | null {
    return this.#kept.get(this.#keyOf(pair)) ?? null;
  }

  /** @throws {CloudPhoenixError} `STATE_UNAVAILABLE` */
  async put(pair: ComparedPair, value: T): Promise<void> {
    const key = this.#keyOf(pair);
    await this.#options.facts.put(key, this.#options.store(value));
    this.#kept.set(key, value);
  }

  /** Does `work`; nothing while that is still being done for the same pair. */
  async unlessBusy(pair: ComparedPair, work: () => Promise<void>): Promise<void> {
    const key = this.#keyOf(pair);
    if (this.#busy.has(key)) return;
    this.#busy.add(key);
    try {
      await work();
    } finally {
      this.#busy.delete(key);
    }
  }

  #keyOf({ active, standby }: ComparedPair): string {
    return `${this.#options.name}:${active}:${standby}`;
  }
}
