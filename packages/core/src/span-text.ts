/** Spans of time and shares as operators read them. */

/** A measured span with one decimal: `42.0 s`, `12.5 min`, `3.0 h`. */
export function measuredText(ms: number): string {
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 7_200_000) return `${(ms / 60_000).toFixed(1)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

/** A span somebody configured, without a needless decimal: `5 s`, `2.5 s`, `60 min`. */
export function limitText(ms: number): string {
  return measuredText(ms).replace(".0 ", " ");
}

/** A share between 0 and 1: `71 %`. */
export function percentText(share: number): string {
  return `${Math.round(share * 100)} %`;
}
