/**
 * Time and chance as the copying of objects sees them; the engine's `Clock` and `Random` fit.
 * Apps create them; tests turn them by hand.
 */
export interface Surroundings {
  readonly clock: {
    /** Epoch milliseconds. */
    now(): number;
    /** Resolves after `ms`. @throws {CloudPhoenixError} `ABORTED` as soon as `signal` aborts */
    sleep(ms: number, signal?: AbortSignal): Promise<void>;
  };
  readonly random: {
    /** A number in [0, 1). */
    next(): number;
  };
}
