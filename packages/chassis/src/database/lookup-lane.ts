/** One connection with lookups on it, answered in the order in which they were sent. */
import type { PoolClient } from "pg";
import { ServiceError } from "../errors/service-error.ts";
import { monotonicMs } from "../resilience/deadline.ts";
import type { Lookup } from "./lookups.ts";
import { databaseFailure, isDemotedServer, isSessionUsable } from "./sql-state.ts";

/** Whom a lane tells. */
export interface LaneListener {
  readonly failed: (lookup: Lookup, failure: Error) => void;
  readonly onDemoted: () => void;
}

/**
 * After this long a lane takes nothing more. It would never be empty under constant load, and so never
 * go back to the pool, which is where a connection to an old server ends.
 */
const TAKES_FOR_MS = 1_000;

/** A lane from the first lookup on it until none is left; then the connection goes back. */
export class LookupLane {
  readonly #client: PoolClient;
  readonly #listener: LaneListener;
  readonly #emptied = Promise.withResolvers<void>();
  readonly #takesUntilMs: number = monotonicMs() + TAKES_FOR_MS;
  #size = 0;
  #heardMs = 0;
  /** Whether the next borrower may have the session. */
  usable = true;

  constructor(client: PoolClient, listener: LaneListener) {
    this.#client = client;
    this.#listener = listener;
  }

  /** Lookups that are not answered yet. */
  get size(): number {
    return this.#size;
  }

  /** Whether it takes more lookups. */
  get open(): boolean {
    return this.usable && monotonicMs() < this.#takesUntilMs;
  }

  /** When the server last answered, or was asked while nothing was on the lane. */
  get heardMs(): number {
    return this.#heardMs;
  }

  /** Resolves when nothing is on the lane any more. Never rejects. */
  get emptied(): Promise<void> {
    return this.#emptied.promise;
  }

  /** Sends all of them in one write. */
  send(lookups: readonly Lookup[]): void {
    if (this.#size === 0) {
      if (lookups.length === 0) this.#emptied.resolve();
      this.#heardMs = monotonicMs();
    }
    this.#size += lookups.length;
    const { stream } = this.#client.connection;
    stream.cork();
    for (const lookup of lookups) this.#send(lookup);
    stream.uncork();
  }

  /** Ends the connection, which fails everything on it. */
  giveUp(): void {
    this.usable = false;
    this.#client.connection.stream.destroy();
  }

  #send(lookup: Lookup): void {
    lookup.send(this.#client, (failure) => {
      if (failure !== null) this.#failed(lookup, failure);
      this.#heardMs = monotonicMs();
      this.#size -= 1;
      if (this.#size === 0) this.#emptied.resolve();
    });
  }

  #failed(lookup: Lookup, error: Error): void {
    this.usable = this.usable && isSessionUsable(error);
    if (isDemotedServer(error)) this.#listener.onDemoted();
    const failure = databaseFailure(error);
    this.#listener.failed(lookup, failure);
    // What waits behind it has waited long enough.
    if (failure instanceof ServiceError && failure.code === "DATABASE_TIMEOUT") this.giveUp();
  }
}
