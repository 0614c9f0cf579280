/**
 * What was seen to be missing at the source, and since when: the memory behind delayed deletes.
 *
 * Owns: the words. An object is only ever deleted at the target if two *complete* listings, far
 * enough apart, did not have it at the source. What a round notes counts for nothing until the round
 * is completed; a round that is never completed (a listing failed, the process was killed) leaves
 * no trace. Rounds may be noted by several processes at once, each a range of the keys.
 */

/** One name that is at the target and not at the source. */
export interface MissingObject {
  /** Without the prefix. */
  readonly name: string;
  /** What the target has; another version there starts the wait anew. */
  readonly targetEtag: string;
}

export interface Tombstone extends MissingObject {
  /** When the first complete round that missed it was completed; epoch ms. */
  readonly sinceMs: number;
}

/** What a complete round saw. */
export interface RoundFacts {
  readonly completedMs: number;
  readonly sourceObjects: number;
  readonly targetObjects: number;
}

/** Errors of every call: `STATE_UNAVAILABLE`. */
export interface TombstoneStore {
  /** Begins a round; one that was begun and not completed is forgotten. Answers with its number. */
  openRound(): Promise<number>;
  /** Noting again changes nothing. @throws {CloudPhoenixError} `CONFLICT` if the round is not the open one */
  noteMissing(round: number, missing: readonly MissingObject[]): Promise<void>;
  /**
   * Both listings were complete: what the round noted and was noted before keeps its age, what is new
   * begins to age now, and what was not noted any more is forgotten. `looked` answers false for names that the round
   * left out: of them it changes nothing. Default: it looked at all. @throws {CloudPhoenixError} `CONFLICT`
   */
  completeRound(
    round: number,
    facts: RoundFacts,
    looked?: (name: string) => boolean,
  ): Promise<void>;
  /** Null before the first complete round. */
  lastRound(): Promise<RoundFacts | null>;
  /** How many were seen missing, and how many of them since `sinceMs` or earlier. */
  count(sinceMs: number): Promise<{ readonly missing: number; readonly due: number }>;
  /** At most `limit` that are due, by name, after the name given. */
  due(
    sinceMs: number,
    page: { readonly after: string | null; readonly limit: number },
  ): Promise<readonly Tombstone[]>;
  /** Deleted, or found to be no reason to delete. Forgetting nothing is success. */
  forget(names: readonly string[]): Promise<void>;
}
