/** Whether spans are being made, and of which traces; the one thing the hot path asks before anything else. */

/** Which traces are recorded. */
export interface TracingTerms {
  /** Share of the traces, 0 to 1, that is recorded. */
  readonly ratio: number;
  /** Whether traces that callers record are recorded here, whatever their share. */
  readonly trustsCallers: boolean;
}

let terms: TracingTerms | null = null;

/** Null: no spans are made. */
export function tracingTerms(): TracingTerms | null {
  return terms;
}

/** For `startTracing` only. */
export function setTracing(current: TracingTerms | null): void {
  terms = current;
}
