/**
 * Which standbys were seen broken, known to every leader.
 *
 * Most of what breaks a standby shows only beside its writer: a slot that lost its log, a change that
 * fails again and again. A leader that starts when the writer is dead has nothing to compare with, and
 * a standby that stopped following a moment before looks as good as any. So what was seen is kept in
 * the state database, where the next leader finds it.
 *
 * A standby stays broken until it shows a heartbeat that was written after it was seen so. Changes are
 * applied in order, so whatever was in the way is gone then, mended or copied anew; and its own
 * database says so, be the writer alive or not. Nothing has to be deleted for that.
 */
import {
  type Json,
  type ReplicationFacts,
  isFromTheFuture,
  measuredText,
} from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { ReplicationWatch } from "../ports/database-control.ts";
import type { FactStore } from "../ports/state-store.ts";
import { factsAbout } from "./facts-about.ts";
import { type ComparedPair, KeptByPair } from "./kept-by-pair.ts";

export interface BrokenStandbysPorts {
  readonly clock: Clock;
  readonly facts: FactStore;
  readonly replication: ReplicationWatch;
}

/** Plain JSON, as stored. */
interface SeenBroken {
  readonly atMs: number;
  readonly detail: string;
}

export class BrokenStandbys {
  readonly #ports: BrokenStandbysPorts;
  readonly #kept: KeptByPair<SeenBroken>;

  constructor(ports: BrokenStandbysPorts) {
    this.#ports = ports;
    this.#kept = new KeptByPair({
      facts: ports.facts,
      name: "broken-standby",
      parse: seenIn,
      store: (seen) => ({ ...seen }),
    });
  }

  /** Nothing that was read before counts: another leader may have seen more since. */
  forget(): void {
    this.#kept.forget();
  }

  /** Reads what an earlier leader kept, once. @throws {CloudPhoenixError} `STATE_UNAVAILABLE` */
  recall(pair: ComparedPair): Promise<void> {
    return this.#kept.recall(pair);
  }

  /**
   * Keeps that the standby is broken, if it is and that is not known; nothing while that is still
   * being done. @throws {CloudPhoenixError} `STATE_UNAVAILABLE`
   */
  async keep(pair: ComparedPair): Promise<void> {
    const facts = factsAbout(this.#ports.replication, pair);
    if (facts.state !== "broken") return;
    await this.#kept.unlessBusy(pair, async () => {
      await this.recall(pair);
      if (this.#stillBroken(pair, facts)?.detail === facts.detail) return;
      await this.#kept.put(pair, { atMs: this.#ports.clock.now(), detail: facts.detail });
    });
  }

  /** What is known of the standby: what the watch says, and that it is broken if it still is. */
  facts(pair: ComparedPair): ReplicationFacts {
    const facts = factsAbout(this.#ports.replication, pair);
    if (facts.state === "broken") return facts;
    const seen = this.#stillBroken(pair, facts);
    if (seen === null) return facts;
    const ago = measuredText(Math.max(0, this.#ports.clock.now() - seen.atMs));
    const detail = `${seen.detail} (seen ${ago} ago, and no heartbeat was applied since)`;
    return { ...facts, state: "broken", detail };
  }

  #stillBroken(pair: ComparedPair, { appliedAtMs }: ReplicationFacts): SeenBroken | null {
    const seen = this.#kept.get(pair);
    // No difference of instants means anything then, and nothing would ever end it.
    if (seen === null || isFromTheFuture(seen.atMs, this.#ports.clock.now())) return null;
    return appliedAtMs !== null && appliedAtMs > seen.atMs ? null : seen;
  }
}

function seenIn(stored: Json): SeenBroken | null {
  if (typeof stored !== "object" || stored === null || !("detail" in stored)) return null;
  const { atMs, detail } = stored;
  return typeof atMs === "number" && typeof detail === "string" ? { atMs, detail } : null;
}
