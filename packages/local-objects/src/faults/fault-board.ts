/**
 * Faults on demand: what a server does wrong, to whom, how often. Kept apart from the server's own
 * code, which asks the board once per request.
 */

/** What goes wrong. */
export type FaultEffect =
  /** The connection is reset before any answer. */
  | { readonly kind: "refuse" }
  /** No answer ever comes; the connection stays. */
  | { readonly kind: "hang" }
  | { readonly kind: "delay"; readonly delayMs: number }
  /** An error instead of the work, for instance `SlowDown`. */
  | { readonly kind: "error"; readonly code: string }
  /** The work is done, the answer is lost. */
  | { readonly kind: "lose-answer" }
  /** The answer's body ends early, in good order, short of its announced length. */
  | { readonly kind: "truncate"; readonly afterBytes: number }
  /** The connection is reset in the middle of the answer's body. */
  | { readonly kind: "drop"; readonly afterBytes: number }
  /** The answer announces and sends fewer bytes than there are: it looks complete. */
  | { readonly kind: "shorten"; readonly byBytes: number }
  /** One bit of the answer's body is wrong. */
  | { readonly kind: "corrupt" }
  /** A listing says that there is nothing. */
  | { readonly kind: "list-empty" }
  /** A page of a listing is in reverse order. */
  | { readonly kind: "list-reversed" };

/** A rule: the effect on requests that match. */
export interface Fault {
  readonly effect: FaultEffect;
  /** Names of operations; all if absent. */
  readonly operations?: readonly string[];
  /** Only keys that begin so. */
  readonly keyPrefix?: string;
  /** Share of matching requests, 0 to 1. Default: all. */
  readonly share?: number;
  /** This many matching requests pass first: with 2, a listing fails on its third page. */
  readonly skip?: number;
  /** After this many it stops. Default: never. */
  readonly times?: number;
}

/** A request as the board sees it. */
export interface FaultSubject {
  readonly operation: string;
  readonly key: string | null;
}

interface ArmedFault {
  readonly fault: Fault;
  matched: number;
  struck: number;
}

export class FaultBoard {
  readonly #random: () => number;
  #armed: readonly ArmedFault[] = [];

  /** @param random from 0 to below 1 */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Replaces all faults; none makes the server well again. */
  set(faults: readonly Fault[]): void {
    this.#armed = faults.map((fault) => ({ fault, matched: 0, struck: 0 }));
  }

  /** What is set, and how often each has struck. */
  report(): readonly (Fault & { readonly struck: number })[] {
    return this.#armed.map(({ fault, struck }) => ({ ...fault, struck }));
  }

  /** The effects on one request, counted as having struck. */
  strike(subject: FaultSubject): readonly FaultEffect[] {
    if (this.#armed.length === 0) return [];
    return this.#armed
      .filter((armed) => this.#strikes(armed, subject))
      .map(({ fault }) => fault.effect);
  }

  #strikes(armed: ArmedFault, { operation, key }: FaultSubject): boolean {
    const { operations, keyPrefix, share = 1, skip = 0, times = Infinity } = armed.fault;
    if (operations !== undefined && !operations.includes(operation)) return false;
    if (keyPrefix !== undefined && key?.startsWith(keyPrefix) !== true) return false;
    armed.matched += 1;
    if (armed.matched <= skip || armed.struck >= times) return false;
    if (share < 1 && this.#random() >= share) return false;
    armed.struck += 1;
    return true;
  }
}
