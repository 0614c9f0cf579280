/** The same order with the same key starts one run, however often it is sent. */

import { createHash } from "node:crypto";
import { CloudPhoenixError, type Json, type RunRecord } from "@cloudphoenix/core";
import type { FactStore, RunStore } from "@cloudphoenix/engine";
import { z } from "zod";

export interface KeyedOrder {
  readonly key: string;
  /** The whole request body; another body with the same key is refused. */
  readonly body: Json;
}

export interface OrderedRun {
  readonly run: RunRecord;
  /** Whether an earlier request had already started it. */
  readonly replayed: boolean;
}

const knownOrder = z.strictObject({ hash: z.string(), run: z.string() });
type KnownOrder = z.infer<typeof knownOrder>;

/**
 * Remembers which run a key started, across restarts. Only the leader takes orders, so requests
 * that race do so in this process and share one promise.
 */
export class IdempotentOrders {
  readonly #facts: FactStore;
  readonly #runs: Pick<RunStore, "get">;
  readonly #flying = new Map<string, Promise<OrderedRun>>();

  constructor(facts: FactStore, runs: Pick<RunStore, "get">) {
    this.#facts = facts;
    this.#runs = runs;
  }

  /**
   * The run of `order`, started by `start` if no earlier request with the key did.
   * @throws {CloudPhoenixError} `CONFLICT` if the key was used for another request
   */
  async once(order: KeyedOrder, start: () => Promise<RunRecord>): Promise<OrderedRun> {
    const flying = this.#flying.get(order.key);
    if (flying !== undefined) {
      await flying.catch(() => undefined);
      return this.once(order, start);
    }
    const attempt = this.#attempt(order, start);
    this.#flying.set(order.key, attempt);
    try {
      return await attempt;
    } finally {
      this.#flying.delete(order.key);
    }
  }

  async #attempt(order: KeyedOrder, start: () => Promise<RunRecord>): Promise<OrderedRun> {
    const name = `run-request:${order.key}`;
    const hash = createHash("sha256").update(JSON.stringify(order.body)).digest("hex");
    const known = await this.#known(name);
    if (known === null) {
      const run = await start();
      await this.#facts.put(name, { hash, run: run.id });
      return { run, replayed: false };
    }
    if (known.hash !== hash) {
      throw new CloudPhoenixError("CONFLICT", "this Idempotency-Key was used for another request", {
        retryable: false,
        hint: "Send a new key with a new request.",
      });
    }
    const run = await this.#runs.get(known.run);
    if (run !== null) return { run, replayed: true };
    throw new CloudPhoenixError("NOT_FOUND", `run ${known.run} of this key is gone`, {
      retryable: false,
      hint: "Send a new key.",
    });
  }

  async #known(name: string): Promise<KnownOrder | null> {
    const known = knownOrder.safeParse(await this.#facts.get(name));
    return known.success ? known.data : null;
  }
}
