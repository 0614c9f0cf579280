/** The same order with the same key starts one thing (a run, a set-up), however often it is sent. */

import { createHash } from "node:crypto";
import { CloudPhoenixError, type Json } from "@cloudphoenix/core";
import type { FactStore } from "@cloudphoenix/engine";
import { z } from "zod";

export interface KeyedOrder {
  readonly key: string;
  /** The whole request body; another body with the same key is refused. */
  readonly body: Json;
  /** Makes the id of what is started, if that can be known before. */
  readonly newId?: () => string;
}

/** What an order starts. */
export interface Startable {
  readonly id: string;
}

export interface Ordered<T extends Startable> {
  readonly started: T;
  /** Whether an earlier request had already started it. */
  readonly replayed: boolean;
}

type Start<T extends Startable> = (id: string | undefined) => Promise<T>;

/** Where the orders of one kind are kept, and what they start is found again. */
export interface OrderBook<T extends Startable> {
  /** `run`, for instance: how keys of facts begin, and what messages call it. */
  readonly kind: string;
  readonly facts: FactStore;
  readonly get: (id: string) => Promise<T | null>;
}

/** `run` is the id of whatever was started: runs were the first. */
const knownOrder = z.strictObject({ hash: z.string(), run: z.string() });
type KnownOrder = z.infer<typeof knownOrder>;

/**
 * Remembers what a key started, across restarts. Only the leader takes orders, so requests
 * that race do so in this process and share one promise.
 *
 * An order whose id is known before is remembered before it is started: whoever is cut off in between
 * and sends it again starts it under that id, and starting one id twice is starting it once. One whose id
 * comes out of the start is remembered right after it.
 */
export class IdempotentOrders<T extends Startable> {
  readonly #book: OrderBook<T>;
  readonly #flying = new Map<string, Promise<Ordered<T>>>();

  constructor(book: OrderBook<T>) {
    this.#book = book;
  }

  /**
   * What `order` started: by `start`, if no earlier request with the key did. `start` is told the id
   * if the order makes it, and must do no harm when it is called again with the same one.
   * @throws {CloudPhoenixError} `CONFLICT` if the key was used for another request
   */
  async once(order: KeyedOrder, start: Start<T>): Promise<Ordered<T>> {
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

  async #attempt(order: KeyedOrder, start: Start<T>): Promise<Ordered<T>> {
    const { kind, facts, get } = this.#book;
    const name = `${kind}-request:${order.key}`;
    const hash = createHash("sha256").update(JSON.stringify(order.body)).digest("hex");
    const known = await this.#known(name);
    if (known === null) {
      const id = order.newId?.();
      if (id !== undefined) await facts.put(name, { hash, run: id });
      const started = await start(id);
      if (id === undefined) await facts.put(name, { hash, run: started.id });
      return { started, replayed: false };
    }
    if (known.hash !== hash) {
      throw new CloudPhoenixError("CONFLICT", "this Idempotency-Key was used for another request", {
        retryable: false,
        hint: "Send a new key with a new request.",
      });
    }
    const started = await get(known.run);
    if (started !== null) return { started, replayed: true };
    if (order.newId !== undefined) return { started: await start(known.run), replayed: false };
    throw new CloudPhoenixError("NOT_FOUND", `${kind} ${known.run} of this key is gone`, {
      retryable: false,
      hint: "Send a new key.",
    });
  }

  async #known(name: string): Promise<KnownOrder | null> {
    const known = knownOrder.safeParse(await this.#book.facts.get(name));
    return known.success ? known.data : null;
  }
}
