/** What every holder and observer of a lease must agree on. */

/**
 * `consistency`: without the witness nobody writes once the lease has lapsed. `availability`: the
 * holder goes on while every other site's agent promises that its site stays closed.
 */
export type WhenWitnessLost = "consistency" | "availability";

export interface LeaseTerms {
  /** How long one grant lets the holder's database accept writes. */
  readonly ttlMs: number;
  /** How often the holder renews; several tries must fit into `ttlMs`. */
  readonly renewMs: number;
  /**
   * Added to every wait for a lapse: what clocks may drift apart in `ttlMs`, how far the clock of
   * a database may be set back, and how long a commit may take after its last check.
   */
  readonly marginMs: number;
  readonly whenWitnessLost: WhenWitnessLost;
}

/** After this long without a renewal nobody holds the lease any more. */
export function lapseMs(terms: LeaseTerms): number {
  return terms.ttlMs + terms.marginMs;
}
