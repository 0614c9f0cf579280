/**
 * Looks at both stores before objects begin to flow: what cannot work is refused in words, what is only
 * dangerous is said once.
 */
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";
import type { Clock } from "@cloudphoenix/engine";
import type { ObjectStore, StoreFinding } from "@cloudphoenix/objects";
import type { Logger } from "pino";

/** A store that was refused is not looked at again before this. */
const AGAIN_MS = 30_000;
/** A store that does not answer is not waited for: copying will say so. */
const ANSWER_MS = 10_000;

type Inspected = Pick<ObjectStore, "address" | "inspect">;

interface Refusal {
  readonly atMs: number;
  readonly findings: readonly StoreFinding[];
}

export class Preflight {
  readonly #clock: Pick<Clock, "now">;
  readonly #log: Pick<Logger, "warn">;
  readonly #said = new Set<string>();
  readonly #refused = new Map<string, Refusal>();

  constructor({
    clock,
    log,
  }: { readonly clock: Pick<Clock, "now">; readonly log: Pick<Logger, "warn"> }) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Resolves if objects may flow between the two.
   * @throws {CloudPhoenixError} `CONFIG_INVALID` naming every finding that refuses a store
   */
  async check(stores: readonly Inspected[], signal: AbortSignal): Promise<void> {
    const found = await Promise.all(stores.map((store) => this.#refusals(store, signal)));
    const refusals = found.flat();
    if (refusals.length === 0) return;
    const message = refusals.map((one) => `${one.message}. ${one.hint}`).join(" ");
    throw new CloudPhoenixError("CONFIG_INVALID", message, {
      retryable: false,
      hint: "Objects begin to flow by themselves once it is mended.",
    });
  }

  async #refusals(store: Inspected, signal: AbortSignal): Promise<readonly StoreFinding[]> {
    const known = this.#refused.get(store.address);
    if (known !== undefined && this.#clock.now() - known.atMs < AGAIN_MS) return known.findings;
    const findings = await this.#inspect(store, signal);
    for (const { severity, message, hint } of findings) {
      if (severity === "warn") this.#sayOnce(message, hint);
    }
    const refusals = findings.filter(({ severity }) => severity === "refuse");
    if (refusals.length === 0) this.#refused.delete(store.address);
    else this.#refused.set(store.address, { atMs: this.#clock.now(), findings: refusals });
    return refusals;
  }

  async #inspect(store: Inspected, signal: AbortSignal): Promise<readonly StoreFinding[]> {
    try {
      return await store.inspect(AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]));
    } catch (error) {
      if (signal.aborted) throw error;
      this.#sayOnce(`${store.address} could not be looked at: ${messageOf(error)}`, "");
      return [];
    }
  }

  #sayOnce(message: string, hint: string): void {
    if (this.#said.has(message)) return;
    this.#said.add(message);
    this.#log.warn({ detail: message, hint }, "a store is not set up as it should be");
  }
}
