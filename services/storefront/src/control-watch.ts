/**
 * What the controllers know of the application, for pages.
 *
 * 1. They are asked at most once in two seconds, however many pages want to know.
 * 2. A page waits half a second at most, and not at all beside a fresh answer or for controllers that
 *    did not answer the last time.
 * 3. What is not of this moment is said to be old, and after a minute it is not known any more.
 */
import type { ControlAnswer, Level, Move } from "./control-answers.ts";

/** How the application is, as the controllers see it. */
export interface Control {
  /** Null while the application stays where it is. */
  readonly move: Move | null;
  /** By site; empty while no controller that leads has answered. */
  readonly scores: ReadonlyMap<string, Score>;
}

/** The score of a site. */
export interface Score {
  readonly points: number;
  readonly level: Level;
  /** Whether it is not of this moment. */
  readonly old: boolean;
}

export interface ControlWatchOptions {
  readonly origins: readonly string[];
  readonly ask: (origin: string, signal: AbortSignal) => Promise<ControlAnswer>;
  /** A monotonic clock in milliseconds. */
  readonly now: () => number;
}

interface Heard {
  /** When it was true, on this process's clock. */
  readonly atMs: number;
  readonly answer: ControlAnswer;
}

const EVERY_MS = 2_000;
/** A page does not wait longer for what only stands beside it. */
const WAIT_MS = 500;
/** A page does not wait at all beside an answer of this age. */
const FRESH_MS = 5_000;
const OLD_AFTER_MS = 10_000;
const FORGOTTEN_AFTER_MS = 60_000;

export class ControlWatch {
  readonly #options: ControlWatchOptions;
  #askedAtMs: number = Number.NEGATIVE_INFINITY;
  #round: Promise<void> | null = null;
  /** Whether nobody answered the last time. */
  #silent = false;
  #heard: Heard | null = null;
  /** The last answer of a controller that leads. */
  #scored: Heard | null = null;

  constructor(options: ControlWatchOptions) {
    this.#options = options;
  }

  /** Null if no controller has answered for a minute. Never throws. */
  async now(): Promise<Control | null> {
    const nowMs = this.#options.now();
    if (this.#round === null && nowMs - this.#askedAtMs >= EVERY_MS) {
      this.#askedAtMs = nowMs;
      this.#round = this.#askAll();
    }
    const fresh = this.#heard !== null && nowMs - this.#heard.atMs < FRESH_MS;
    if (this.#round !== null && !fresh && !this.#silent) await this.#round;
    return this.#known();
  }

  /** Ends with the first answer of one that leads, or with the last of all. */
  async #askAll(): Promise<void> {
    const { origins, ask } = this.#options;
    const signal = AbortSignal.timeout(WAIT_MS);
    const leader = Promise.withResolvers<boolean>();
    const answers = origins.map(async (origin) => {
      const answer = await ask(origin, signal).catch(() => null);
      if (answer === null) return false;
      if (this.#hear(answer)) leader.resolve(true);
      return true;
    });
    const all = Promise.all(answers).then((answered) => answered.includes(true));
    this.#silent = !(await Promise.race([leader.promise, all]));
    this.#round = null;
  }

  /** Whether it came from a controller that leads. */
  #hear(answer: ControlAnswer): boolean {
    const nowMs = this.#options.now();
    const evaluated = answer.sites.flatMap(({ evaluatedAtMs }) => evaluatedAtMs ?? []);
    if (evaluated.length > 0) {
      const ageMs = Math.max(0, answer.atMs - Math.min(...evaluated));
      this.#scored = { atMs: nowMs - ageMs, answer };
      this.#heard = { atMs: nowMs, answer };
      return true;
    }
    // Those that follow read the same state a moment later or earlier.
    const leaderSpoke = this.#scored !== null && nowMs - this.#scored.atMs < EVERY_MS;
    if (!leaderSpoke) this.#heard = { atMs: nowMs, answer };
    return false;
  }

  #known(): Control | null {
    const nowMs = this.#options.now();
    const remembered = (heard: Heard | null): Heard | null =>
      heard !== null && nowMs - heard.atMs < FORGOTTEN_AFTER_MS ? heard : null;
    const [heard, scored] = [remembered(this.#heard), remembered(this.#scored)];
    if (heard === null) return null;
    return {
      move: heard.answer.move,
      scores: scored === null ? new Map() : scoresOf(scored.answer, nowMs - scored.atMs),
    };
  }
}

function scoresOf({ sites }: ControlAnswer, ageMs: number): ReadonlyMap<string, Score> {
  const old = ageMs >= OLD_AFTER_MS;
  return new Map(
    sites.flatMap(({ id, score, level }) =>
      score === null || level === null ? [] : [[id, { points: score, level, old }] as const],
    ),
  );
}
