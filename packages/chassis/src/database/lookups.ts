/**
 * Short statements that only read, many of them on one connection.
 *
 * To read one row by its key takes a server a few dozen microseconds; to wake each other up for it
 * takes both sides more. So what is asked for in one turn of the event loop is written to one
 * connection in one piece and answered in one piece (pipelining, which the protocol has always had).
 *
 * 1. Every wait ends, at its own deadline or at the limit of a statement, whatever its fellows do.
 * 2. Every statement is a transaction of its own: one that fails, fails alone.
 * 3. A statement that takes all the time there is takes its connection with it, and so does a server
 *    that says nothing. What was behind it is sent again on another connection, within its limit.
 * 4. Connections are the pool's. One is on loan while statements are on it, and not for long, so the
 *    ends of their lives, moves of the endpoint and rotated passwords are dealt with there.
 */
import type { PoolClient, QueryConfig } from "pg";
import { DatabaseError, SaturatedError } from "../errors/failures.ts";
import { ERROR_KINDS } from "../errors/service-error.ts";
import { retry } from "../resilience/retry.ts";
import { type Deadline, monotonicMs } from "../resilience/deadline.ts";
import type { Statement } from "./connection.ts";
import type { ConnectionPool } from "./connection-pool.ts";
import { databaseSpan } from "./database-span.ts";
import { LookupLane } from "./lookup-lane.ts";
import { passesByItself } from "./sql-state.ts";

/** Limits of lookups. */
export interface LookupTerms {
  /** The server's limit of one statement. */
  readonly statementTimeoutMs: number;
  /** Connections at once. */
  readonly lanes: number;
  /** The server behind the name does not take writes any more. */
  readonly onDemoted: () => void;
}

/** A lookup that somebody waits for. */
export interface Lookup {
  /** On this process's monotonic clock. */
  readonly limitMs: number;
  /** Sends it; `done` hears once that the server has answered, or why it never will. */
  readonly send: (client: PoolClient, done: (failure: Error | null) => void) => void;
  readonly reject: (failure: Error) => void;
}

/** The server's own limit gets this head start before the client stops waiting. */
const ABANDON_AFTER_MS = 500;
/** How late a limit may be noticed. One timer for all: one for each would cost more than the read. */
const WATCH_EVERY_MS = 20;
/** A server that gives no further connection is not asked again for this long. */
const REFUSED_FOR_MS = 1_000;
/** Lookups waiting per connection before new ones are refused: beyond that they only time out. */
const WAITING_PER_LANE = 200;

/** See the head of this file. */
export class Lookups {
  readonly #pool: ConnectionPool;
  readonly #terms: LookupTerms;
  /** Connections on loan, or about to be. */
  #lanes = 0;
  readonly #open = new Set<LookupLane>();
  readonly #waiting = new Set<Lookup>();
  #unsent: Lookup[] = [];
  /** Before, one connection has to do if there is one. */
  #moreAfterMs = 0;
  #sending = false;
  #watching = false;

  constructor(pool: ConnectionPool, terms: LookupTerms) {
    this.#pool = pool;
    this.#terms = terms;
  }

  /**
   * Runs one statement beside others, again if its connection broke. It must be short, and change
   * nothing.
   * @throws {ServiceError} `DATABASE_TIMEOUT` at the earlier of the deadline and the limit of a
   *   statement, all tries together; `SATURATED`; what the failure means to a client
   */
  run<Row extends object>(
    statement: Statement,
    deadline: Deadline | undefined,
  ): Promise<readonly Row[]> {
    const mostMs = this.#terms.statementTimeoutMs + ABANDON_AFTER_MS;
    const limitMs = monotonicMs() + Math.min(mostMs, deadline?.remainingMs() ?? mostMs);
    const once = (): Promise<readonly Row[]> => {
      deadline?.check();
      return this.#once<Row>(statement, limitMs);
    };
    return retry(once, { shouldRetry: passesByItself }, deadline);
  }

  #once<Row extends object>(statement: Statement, limitMs: number): Promise<readonly Row[]> {
    if (this.#waiting.size >= this.#terms.lanes * WAITING_PER_LANE) {
      throw new SaturatedError("Too many requests wait for the database.");
    }
    const span = databaseSpan(statement);
    const config = configOf(span?.statement ?? statement);
    return new Promise((resolve, reject) => {
      const lookup: Lookup = {
        limitMs,
        send: (client, done) => {
          client.query<Row>(config, (failure: Error | null, result) => {
            // oxlint-disable-next-line typescript/no-unnecessary-condition -- the driver's type is wrong
            if (failure === null && this.#waiting.delete(lookup)) {
              span?.end();
              resolve(result.rows);
            }
            done(failure);
          });
        },
        reject: (failure) => {
          span?.fail(failure);
          reject(failure);
        },
      };
      this.#waiting.add(lookup);
      this.#unsent.push(lookup);
      this.#sendSoon();
      this.#watchSoon();
    });
  }

  /** After every request of this turn of the event loop has been read. */
  #sendSoon(): void {
    if (this.#sending) return;
    this.#sending = true;
    setImmediate(() => {
      this.#sending = false;
      this.#send();
    });
  }

  #send(): void {
    const lane = this.#leastLoaded();
    const more = lane === undefined || monotonicMs() >= this.#moreAfterMs;
    // Another connection, rather than behind statements that may take their time.
    if (more && this.#lanes < this.#terms.lanes) void this.#openLane();
    else if (lane !== undefined) this.#sendOn(lane);
    // Else the next one to open takes what has gathered.
  }

  #leastLoaded(): LookupLane | undefined {
    const open = [...this.#open].filter((lane) => lane.open);
    return open.toSorted((one, other) => one.size - other.size)[0];
  }

  async #openLane(): Promise<void> {
    this.#lanes += 1;
    try {
      await this.#pool.lendClient(async (client) => {
        const lane = new LookupLane(client, {
          failed: (lookup, failure) => this.#fail(lookup, failure),
          onDemoted: this.#terms.onDemoted,
        });
        this.#open.add(lane);
        this.#sendOn(lane);
        await lane.emptied;
        this.#open.delete(lane);
        return lane.usable;
      });
    } catch (error) {
      this.#refused(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#lanes -= 1;
      // What came while the lane was closing.
      if (this.#unsent.length > 0) this.#sendSoon();
    }
  }

  #sendOn(lane: LookupLane): void {
    const lookups = this.#unsent.filter((lookup) => this.#waiting.has(lookup));
    this.#unsent = [];
    lane.send(lookups);
  }

  /** No connection can be had: there is one to share, or the same is true for all that wait. */
  #refused(error: Error): void {
    this.#moreAfterMs = monotonicMs() + REFUSED_FOR_MS;
    const lane = this.#leastLoaded();
    if (lane !== undefined) {
      this.#sendOn(lane);
      return;
    }
    const lookups = this.#unsent;
    this.#unsent = [];
    for (const lookup of lookups) this.#fail(lookup, error);
  }

  /** Nobody waits any more for what fails after its limit. */
  #fail(lookup: Lookup, failure: Error): void {
    if (this.#waiting.delete(lookup)) lookup.reject(failure);
  }

  #watchSoon(): void {
    if (this.#watching) return;
    this.#watching = true;
    setTimeout(() => {
      this.#watching = false;
      this.#watch();
    }, WATCH_EVERY_MS);
  }

  #watch(): void {
    const nowMs = monotonicMs();
    for (const lookup of this.#waiting) {
      if (lookup.limitMs <= nowMs) this.#fail(lookup, notAnswered());
    }
    const heardAfterMs = nowMs - this.#terms.statementTimeoutMs - ABANDON_AFTER_MS;
    for (const lane of this.#open) if (lane.heardMs < heardAfterMs) lane.giveUp();
    // Abandoned statements keep their lane, and it must not be forgotten.
    if (this.#waiting.size > 0 || this.#open.size > 0) this.#watchSoon();
  }
}

function notAnswered(): DatabaseError {
  return new DatabaseError(ERROR_KINDS.DATABASE_TIMEOUT, "The database did not answer in time.", {
    outcome: "none",
  });
}

function configOf({ name, text, values = [] }: Statement): QueryConfig {
  return { ...(name === undefined ? {} : { name }), text, values: [...values] };
}
