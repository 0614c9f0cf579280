/**
 * Messages between the nodes of the simulated world.
 *
 * 1. Each direction of each link is cut, slowed or made to drop on its own.
 * 2. What is sent into a cut is lost or waits, as TCP would retransmit it, and arrives late, after
 *    the cut has healed: nobody may rely on a message that was not answered having had no effect.
 * 3. Messages of one direction may overtake each other.
 */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Chance } from "./chance.ts";
import type { Process } from "./process.ts";
import type { ScheduledEvent, Scheduler } from "./scheduler.ts";

interface Link {
  /** How many cuts are in force; faults may overlap. */
  cuts: number;
  extraMs: number;
  lossShare: number;
  repeatShare: number;
  readonly latencyMs: number;
  parked: (() => void)[];
}

/** A question to another process. */
export interface Call<T> {
  readonly from: Process;
  readonly to: Process;
  readonly signal?: AbortSignal | undefined;
  /** Without an answer by then the call fails, retryable. Left out: it waits for ever. */
  readonly limitMs?: number;
  /** What it fails with then. */
  readonly silence?: "STATE_UNAVAILABLE" | "TIMED_OUT" | "UNREACHABLE";
  /** True time the server works on it before it takes effect. */
  readonly workMs?: number;
  /** Runs at the server; what it throws is answered as an error. */
  readonly effect: () => T | Promise<T>;
}

const JITTER_MS = 4;
const PARKED_SHARE = 0.6;

export class Network {
  readonly #scheduler: Scheduler;
  readonly #chance: Chance;
  readonly #latencyMs: (from: string, to: string) => number;
  readonly #links = new Map<string, Map<string, Link>>();

  constructor(
    scheduler: Scheduler,
    chance: Chance,
    latencyMs: (from: string, to: string) => number,
  ) {
    this.#scheduler = scheduler;
    this.#chance = chance;
    this.#latencyMs = latencyMs;
  }

  /** Cuts the ways from every node of `from` to every node of `to`; undone by the result. */
  cut(from: readonly string[], to: readonly string[]): () => void {
    const links = this.#between(from, to);
    for (const link of links) link.cuts += 1;
    return () => {
      for (const link of links) this.#heal(link);
    };
  }

  /** Makes these ways worse until the result is called. */
  impair(
    from: readonly string[],
    to: readonly string[],
    how: { readonly extraMs?: number; readonly lossShare?: number; readonly repeatShare?: number },
  ): () => void {
    const links = this.#between(from, to);
    const change = (sign: 1 | -1): void => {
      for (const link of links) {
        link.extraMs += sign * (how.extraMs ?? 0);
        link.lossShare += sign * (how.lossShare ?? 0);
        link.repeatShare += sign * (how.repeatShare ?? 0);
      }
    };
    change(1);
    return () => change(-1);
  }

  /** Whether a message sent now would get through. */
  isOpen(from: string, to: string): boolean {
    return this.#link(from, to).cuts === 0;
  }

  /** Calls `deliver` when the message arrives, if it does. */
  send(from: string, to: string, deliver: () => void): void {
    const link = this.#link(from, to);
    if (link.cuts > 0) {
      this.#park(link, deliver);
      return;
    }
    if (link.lossShare > 0 && this.#chance.hits(link.lossShare)) return;
    this.#fly(link, deliver);
  }

  /**
   * Asks a process and returns its answer. Without one it waits until `signal` aborts, for ever
   * if there is none, as a read from a silent peer does.
   */
  call<T>(call: Call<T>): Promise<T> {
    const { from, to, signal, limitMs, silence = "UNREACHABLE" } = call;
    if (signal?.aborted === true) return Promise.reject(stopped());
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const incarnation = from.incarnation;
    let open = true;
    let limit: ScheduledEvent | null = null;
    const settle = (end: () => void): void => {
      if (!open) return;
      open = false;
      if (limit !== null) limit.fire = null;
      signal?.removeEventListener("abort", onAbort);
      end();
    };
    const onAbort = (): void => settle(() => reject(stopped()));
    signal?.addEventListener("abort", onAbort, { once: true });
    if (limitMs !== undefined)
      limit = from.after(limitMs, () => settle(() => reject(late(to.name, silence))));
    const answer = (end: () => void): void => {
      this.send(to.name, from.name, () => {
        if (from.incarnation === incarnation) from.receive(() => settle(end));
      });
    };
    const request = (): void => this.#arrive(call, answer, { resolve, reject });
    const link = this.#link(from.name, to.name);
    this.send(from.name, to.name, request);
    if (link.repeatShare > 0 && this.#chance.hits(link.repeatShare)) {
      this.#scheduler.after(this.#chance.between(20, 400), request);
    }
    return promise;
  }

  #arrive<T>(
    { to, workMs = 0, effect }: Call<T>,
    answer: (end: () => void) => void,
    settle: Pick<PromiseWithResolvers<T>, "resolve" | "reject">,
  ): void {
    if (!to.up) {
      answer(() => settle.reject(refused(to.name)));
      return;
    }
    const work = (): void => {
      try {
        const result = effect();
        if (result instanceof Promise) {
          result.then(
            (value) => answer(() => settle.resolve(value)),
            (error: unknown) => answer(() => settle.reject(error)),
          );
        } else answer(() => settle.resolve(result));
      } catch (error) {
        answer(() => settle.reject(error));
      }
    };
    to.receive(() => (workMs > 0 ? to.after(workMs, work) : work()));
  }

  #fly(link: Link, deliver: () => void): void {
    const jitterMs = this.#chance.next() * Math.min(JITTER_MS, link.latencyMs);
    this.#scheduler.after(link.latencyMs + jitterMs + link.extraMs, () => {
      if (link.cuts > 0) this.#park(link, deliver);
      else deliver();
    });
  }

  #park(link: Link, deliver: () => void): void {
    if (this.#chance.hits(PARKED_SHARE)) link.parked.push(deliver);
  }

  #heal(link: Link): void {
    link.cuts -= 1;
    if (link.cuts > 0) return;
    const { parked } = link;
    link.parked = [];
    for (const deliver of parked) {
      this.#scheduler.after(this.#chance.between(1, 300), () => {
        if (link.cuts > 0) this.#park(link, deliver);
        else deliver();
      });
    }
  }

  #between(from: readonly string[], to: readonly string[]): readonly Link[] {
    return from.flatMap((source) =>
      to.filter((target) => target !== source).map((target) => this.#link(source, target)),
    );
  }

  #link(from: string, to: string): Link {
    let row = this.#links.get(from);
    if (row === undefined) {
      row = new Map();
      this.#links.set(from, row);
    }
    let link = row.get(to);
    if (link === undefined) {
      const latencyMs = this.#latencyMs(from, to);
      link = { cuts: 0, extraMs: 0, lossShare: 0, repeatShare: 0, latencyMs, parked: [] };
      row.set(to, link);
    }
    return link;
  }
}

function stopped(): CloudPhoenixError {
  return new CloudPhoenixError("ABORTED", "the question was given up", { retryable: true });
}

function refused(name: string): CloudPhoenixError {
  return new CloudPhoenixError("UNREACHABLE", `${name} refuses connections`, { retryable: true });
}

function late(name: string, code: NonNullable<Call<unknown>["silence"]>): CloudPhoenixError {
  return new CloudPhoenixError(code, `${name} does not answer`, { retryable: true });
}
