/**
 * Two sites with everything a plan touches, and faults to switch on. Engine tests act on it
 * through the same ports as real adapters.
 *
 * 1. All state is in `state`; everything else is bookkeeping for tests.
 * 2. Every operation takes virtual time before and after its effect, so that a deadline, a cancel
 *    or a crash can fall on either side of it.
 * 3. `doubleWriters` records every instant at which two sites would have accepted writes.
 */
import { CloudPhoenixError, type SiteId } from "@cloudphoenix/core";
import type { Clock } from "@cloudphoenix/engine";
import { type SimulatedSite, type WorldState, twoSites } from "./world-state.ts";

/** A fault of one operation, for instance `promote azure-westeurope`. */
export interface OperationFault {
  readonly operation: string;
  /** `before`: it fails without effect. `after`: it takes effect, then fails. `hang`: no end. */
  readonly how: "before" | "after" | "hang";
  /** How often; it works again afterwards. */
  times: number;
  /** Ignores the abort signal while it hangs, as a badly written adapter would. */
  readonly deaf?: boolean;
}

export interface Operation<T> {
  readonly name: string;
  /** The site that has to answer; null for what stands outside every site. */
  readonly site: SiteId | null;
  readonly signal: AbortSignal;
  /** How long a site that never answers is waited for. Default: until `signal` aborts. */
  readonly limitMs?: number;
  readonly effect: (state: WorldState) => T;
}

/** One way of an operation, so that its effect falls in the middle. */
const ONE_WAY_MS = 2;

export class SimulatedWorld {
  readonly clock: Clock;
  readonly state: WorldState;
  /** Names of the operations that took effect, in order. */
  readonly effects: string[] = [];
  readonly doubleWriters: string[] = [];
  readonly #faults: OperationFault[] = [];

  constructor(clock: Clock) {
    this.clock = clock;
    this.state = twoSites(clock.now());
  }

  /** A copy of everything, to compare the world before and after. */
  snapshot(): WorldState {
    return structuredClone(this.state);
  }

  /** Makes an operation fail or hang the next `times` times. */
  inject(fault: OperationFault): void {
    this.#faults.push(fault);
  }

  /** Changes the world as a disaster would; replication stops where it stood. */
  strike(change: (state: WorldState) => void): void {
    this.replicate();
    change(this.state);
  }

  site(id: SiteId): SimulatedSite {
    const site = this.state.sites[id];
    if (site === undefined) throw new RangeError(`no simulated site ${id}`);
    return site;
  }

  /** Brings the heartbeat up to this instant, as far as the world lets it flow. */
  replicate(): void {
    const { sites, replication } = this.state;
    const writer = Object.values(sites).find(
      (site) => site.condition === "alive" && site.database.running && site.database.writesOpen,
    );
    if (writer === undefined) return;
    replication.writtenAtMs = this.clock.now();
    const reader = Object.values(sites).find((site) => site.database.follows === writer.id);
    if (reader !== undefined && !replication.stalled && answers(reader)) {
      replication.appliedAtMs = replication.writtenAtMs;
    }
  }

  /** Performs one operation, with its faults. */
  async perform<T>(operation: Operation<T>): Promise<T> {
    const { name, site, signal } = operation;
    const fault = this.#takeFault(name);
    if (fault?.how === "hang") await this.#hang(fault.deaf === true ? null : signal);
    await this.clock.sleep(ONE_WAY_MS, signal);
    // A packet into a dead or isolated site is never answered, not even with a refusal.
    if (site !== null && this.site(site).condition !== "alive") await this.#waitInVain(operation);
    if (fault?.how === "before") throw unreachable(`injected failure of ${name}`);
    const result = operation.effect(this.state);
    this.effects.push(name);
    this.#watchWriters(name);
    if (fault?.how === "after") throw unreachable(`injected failure of ${name}`);
    await this.clock.sleep(ONE_WAY_MS, signal);
    return result;
  }

  #takeFault(name: string): OperationFault | undefined {
    const fault = this.#faults.find((one) => one.operation === name && one.times > 0);
    if (fault !== undefined) fault.times -= 1;
    return fault;
  }

  async #waitInVain({ name, signal, limitMs }: Operation<unknown>): Promise<never> {
    if (limitMs === undefined) return this.#hang(signal);
    await this.clock.sleep(limitMs, signal);
    throw unreachable(`${name}: no answer within ${limitMs} ms`);
  }

  #hang(signal: AbortSignal | null): Promise<never> {
    return new Promise<never>((_resolve, reject) => {
      const abort = (): void =>
        reject(new CloudPhoenixError("ABORTED", "the wait was aborted", { retryable: true }));
      if (signal?.aborted === true) abort();
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  #watchWriters(after: string): void {
    const writers = Object.values(this.state.sites).filter(
      (site) =>
        site.condition !== "dead" &&
        site.database.running &&
        site.database.writesOpen &&
        !site.network.fenced,
    );
    if (writers.length > 1) this.doubleWriters.push(after);
  }
}

/** Whether a site would answer somebody outside. */
export function answers(site: SimulatedSite): boolean {
  return site.condition === "alive" && !site.network.fenced;
}

function unreachable(message: string): CloudPhoenixError {
  return new CloudPhoenixError("UNREACHABLE", message, { retryable: true });
}
