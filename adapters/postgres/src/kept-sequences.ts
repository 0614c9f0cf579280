/**
 * How far each sequence of a site had got when it was sampled last, known to every leader.
 *
 * The samples travel to the standby with the data, and are as late there as the data. The leader that
 * took them knows better, and may be lost together with the site: then the next one would promote a
 * standby that hands out keys which the lost site had handed out. So they are kept outside both sites.
 */
import type { Json, SiteId } from "@cloudphoenix/core";
import type { FactStore } from "@cloudphoenix/engine";

/** About 100 KB at most. Of more, those that moved last are kept: the others are old at the standby, too. */
const SEQUENCES_MAX = 1_000;

export class KeptSequences {
  readonly #facts: FactStore | null;
  #site: SiteId | null = null;
  /** What was sampled last, in the order in which it moved. */
  #moved = new Map<string, bigint>();
  #isKept = true;

  /** @param facts - what every leader reads; null keeps nothing */
  constructor(facts: FactStore | null) {
    this.#facts = facts;
  }

  /**
   * Keeps `sampled` at `site`, if anything in it has changed since the last call that did not fail.
   * @throws {CloudPhoenixError} `STATE_UNAVAILABLE`
   */
  async keep(site: SiteId, sampled: ReadonlyMap<string, bigint>): Promise<void> {
    if (this.#facts === null) return;
    this.#note(site, sampled);
    if (this.#isKept) return;
    const newest = [...this.#moved].slice(-SEQUENCES_MAX);
    await this.#facts.put(
      keyOf(site),
      Object.fromEntries(newest.map(([name, value]) => [name, value.toString()])),
    );
    this.#isKept = true;
  }

  /** What any leader kept of `site` last; empty if none did. @throws {CloudPhoenixError} `STATE_UNAVAILABLE` */
  async recall(site: SiteId): Promise<ReadonlyMap<string, bigint>> {
    return sequencesIn((await this.#facts?.get(keyOf(site))) ?? null);
  }

  #note(site: SiteId, sampled: ReadonlyMap<string, bigint>): void {
    if (site !== this.#site) this.#moved = new Map();
    this.#site = site;
    for (const name of this.#moved.keys()) {
      if (!sampled.has(name)) this.#moved.delete(name);
    }
    for (const [name, value] of sampled) {
      if (this.#moved.get(name) === value) continue;
      this.#moved.delete(name);
      this.#moved.set(name, value);
      this.#isKept = false;
    }
  }
}

function keyOf(site: SiteId): string {
  return `sampled-sequences:${site}`;
}

function sequencesIn(stored: Json): ReadonlyMap<string, bigint> {
  if (typeof stored !== "object" || stored === null || Array.isArray(stored)) return new Map();
  return new Map(
    Object.entries(stored).flatMap(([name, value]) =>
      typeof value === "string" && /^-?\d+$/u.test(value) ? [[name, BigInt(value)]] : [],
    ),
  );
}
