/** Limits of an HTTP server, and their defaults with a reason each. */

/** Everything a client could use too much of. */
export interface ServerLimits {
  readonly bodyMaxBytes: number;
  readonly headersMaxBytes: number;
  readonly paramMaxLength: number;
  /** A client that needs longer to send its headers is slow on purpose or gone. */
  readonly headersTimeoutMs: number;
  /** The same for the whole request. */
  readonly arrivalTimeoutMs: number;
  /** Longest a request may be worked on; callers may ask for less. */
  readonly answerTimeoutMs: number;
  /** Requests at once; more are refused at the door. */
  readonly inFlightMax: number;
  /** Event loop delay above which requests are refused. */
  readonly loopDelayMaxMs: number;
  /** Connections at once. */
  readonly connectionsMax: number;
}

/** How many requests one client may make. A client is an address. */
export interface RateLimit {
  readonly max: number;
  readonly windowMs: number;
}

export const DEFAULT_LIMITS: ServerLimits = {
  // An order with a hundred positions has about 10 KiB.
  bodyMaxBytes: 64 * 1024,
  // Half of Node's default; cookies of this size are a mistake already.
  headersMaxBytes: 8 * 1024,
  paramMaxLength: 200,
  headersTimeoutMs: 5_000,
  arrivalTimeoutMs: 10_000,
  answerTimeoutMs: 10_000,
  // At 5 ms each that is 200,000 requests a second; more in flight means that something hangs.
  inFlightMax: 1_000,
  // Timers half a second late: every limit in the service is as wrong by then.
  loopDelayMaxMs: 500,
  connectionsMax: 10_000,
};
