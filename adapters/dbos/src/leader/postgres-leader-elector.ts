/**
 * Elects one acting controller among any number, with the state database as the judge.
 *
 * 1. The leader holds an advisory lock on a session of its own and renews a beat row.
 * 2. It stops leading by itself when its session ends or its last good beat is too old, before
 *    anybody else may take over: `LEAVE_AFTER_MS` is less than the three seconds a standby waits.
 * 3. A standby ends the session of a leader that went silent, for instance a frozen process;
 *    when that one thaws it finds its session gone.
 * 4. The epoch grows with every change of leader.
 *
 * Needs a session-mode connection to the primary; all controllers use the same database role.
 */
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";
import type { Clock, LeaderElector, Leadership } from "@cloudphoenix/engine";
import type { Log } from "../log.ts";
import { LeaderSession } from "./leader-session.ts";

export interface PostgresLeaderElectorOptions {
  /** Address of the state database, opened by `openStateDatabase` before. */
  readonly url: string;
  /** Who we are, for people: for instance host and pid. */
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Log;
}

const BEAT_EVERY_MS = 700;
const LEAVE_AFTER_MS = 2_500;
const LOOK_EVERY_MS = 200;
const STANDBY_POLL_MS = 500;

export class PostgresLeaderElector implements LeaderElector {
  readonly #options: PostgresLeaderElectorOptions;
  #resign: () => Promise<void> = async () => undefined;

  constructor(options: PostgresLeaderElectorOptions) {
    this.#options = options;
  }

  /** @throws {CloudPhoenixError} `ABORTED` once `signal` aborts */
  async lead(signal: AbortSignal): Promise<Leadership> {
    const { clock, log } = this.#options;
    let complaint = "";
    for (;;) {
      try {
        return await this.#campaign(signal);
      } catch (error) {
        if (signal.aborted) throw aborted(error);
        if (messageOf(error) !== complaint) log("warn", `leader election: ${messageOf(error)}`);
        complaint = messageOf(error);
      }
      await clock.sleep(STANDBY_POLL_MS, signal).catch((error: unknown) => {
        throw aborted(error);
      });
    }
  }

  /** Gives leadership up at once, so that a standby need not wait. For an orderly shutdown. */
  async resign(): Promise<void> {
    await this.#resign();
  }

  /** One session long: resolves as leader, throws when the session or the wait ends. */
  async #campaign(signal: AbortSignal): Promise<Leadership> {
    const { url, holder, clock, log } = this.#options;
    const lost = new AbortController();
    const session = await LeaderSession.open(url, () => lost.abort(notLeader("the session ended")));
    try {
      while (!(await session.tryLock())) {
        if (await session.endStaleLeader()) log("warn", "ended the session of a silent leader");
        await clock.sleep(STANDBY_POLL_MS, AbortSignal.any([signal, lost.signal]));
      }
      const askedAtMs = clock.now();
      const epoch = await session.takeOver(holder);
      signal.throwIfAborted();
      lost.signal.throwIfAborted();
      const term = new Term({ session, epoch, clock, lost, beatAtMs: askedAtMs });
      this.#resign = () => term.end("it resigned");
      term.begin();
      return { epoch, lost: lost.signal };
    } catch (error) {
      await session.close();
      throw error;
    }
  }
}

interface TermOptions {
  readonly session: LeaderSession;
  readonly epoch: number;
  readonly clock: Clock;
  readonly lost: AbortController;
  /** When the last good beat was sent. */
  readonly beatAtMs: number;
}

/** The time one process leads: beats until it is lost. */
class Term {
  readonly #options: TermOptions;
  #beatAtMs: number;

  constructor(options: TermOptions) {
    this.#options = options;
    this.#beatAtMs = options.beatAtMs;
  }

  begin(): void {
    const { lost, session } = this.#options;
    // Whatever ends the term, the lock must not outlive it.
    lost.signal.addEventListener("abort", () => void session.close(), { once: true });
    void this.#beatUntilLost();
    void this.#watchUntilLost();
  }

  async end(because: string): Promise<void> {
    this.#options.lost.abort(notLeader(because));
    await this.#options.session.close();
  }

  /** A beat counts from when it was sent: the answer may have waited behind a frozen process. */
  async #beatUntilLost(): Promise<void> {
    const { session, epoch, clock, lost } = this.#options;
    while (await this.#slept(BEAT_EVERY_MS)) {
      const sentAtMs = clock.now();
      try {
        if (!(await session.beat(epoch))) lost.abort(notLeader("another controller leads"));
        this.#beatAtMs = sentAtMs;
      } catch {
        // A single failed beat decides nothing: the watch does, and a dead session says so itself.
      }
    }
  }

  async #watchUntilLost(): Promise<void> {
    const { clock, lost } = this.#options;
    while (await this.#slept(LOOK_EVERY_MS)) {
      const silentMs = clock.now() - this.#beatAtMs;
      if (silentMs > LEAVE_AFTER_MS) {
        lost.abort(notLeader(`the last good beat was ${silentMs} ms ago`));
      }
    }
  }

  async #slept(ms: number): Promise<boolean> {
    const { clock, lost } = this.#options;
    await clock.sleep(ms, lost.signal).catch(() => undefined);
    return !lost.signal.aborted;
  }
}

function notLeader(because: string): CloudPhoenixError {
  return new CloudPhoenixError("NOT_LEADER", `this controller no longer leads: ${because}`, {
    retryable: true,
    hint: "Nothing to do: it restarts as a standby.",
  });
}

function aborted(cause: unknown): CloudPhoenixError {
  return new CloudPhoenixError("ABORTED", "waiting for leadership was given up", {
    retryable: true,
    cause,
  });
}
