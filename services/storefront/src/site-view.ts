/** How the site is, asked at most once a second however many pages want to know. */
import { monotonicMs } from "@cloudphoenix/chassis";
import type { Site } from "./order-answers.ts";
import type { OrdersApi } from "./orders-api.ts";

const AGE_MS = 1_000;
/** A page does not wait longer for what only stands beside it. */
const WAIT_MS = 800;

export class SiteView {
  readonly #orders: Pick<OrdersApi, "site">;
  #last: { readonly atMs: number; readonly site: Promise<Site | null> } | null = null;

  constructor(orders: Pick<OrdersApi, "site">) {
    this.#orders = orders;
  }

  /** Null if the orders service does not say. Never throws. */
  now(): Promise<Site | null> {
    if (this.#last === null || monotonicMs() - this.#last.atMs > AGE_MS) {
      const site = this.#orders.site(AbortSignal.timeout(WAIT_MS)).catch(() => null);
      this.#last = { atMs: monotonicMs(), site };
    }
    return this.#last.site;
  }
}
