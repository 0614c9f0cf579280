/** Spans and instants in words. */

/** `850 ms`, `4.2 s`, `3 min 05 s`, `2 h 10 min`; `unknown` for null. */
export function durationText(ms: number | null): string {
  if (ms === null) return "unknown";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 3_600_000) {
    const seconds = Math.floor((ms % 60_000) / 1000);
    return `${Math.floor(ms / 60_000)} min ${String(seconds).padStart(2, "0")} s`;
  }
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  return `${Math.floor(ms / 3_600_000)} h ${String(minutes).padStart(2, "0")} min`;
}

/** Time of day in UTC with milliseconds, `14:03:07.250Z`. */
export function clockText(atMs: number): string {
  return new Date(atMs).toISOString().slice(11);
}
