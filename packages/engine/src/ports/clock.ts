/** Time as the engine sees it. Apps create it; tests turn it by hand. */
export interface Clock {
  /** Epoch milliseconds. May jump; use differences only within one process. */
  now(): number;
  /** Resolves after `ms`. @throws {CloudPhoenixError} `ABORTED` as soon as `signal` aborts */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Chance as the engine sees it: a number in [0, 1). */
export interface Random {
  next(): number;
}
