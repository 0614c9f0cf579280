/** Durations as people write them: `250ms`, `5s`, `2m`, `1h`, `7d`. */

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/** Milliseconds of a written duration; null if it is not one. */
export function parseDuration(text: string): number | null {
  const match = DURATION.exec(text.trim());
  if (match === null) return null;
  const unit = UNIT_MS[match[2] ?? ""];
  return unit === undefined ? null : Math.round(Number(match[1]) * unit);
}

/** The shortest exact writing of a duration, for instance `90s` → `90s`, `120000` → `2m`. */
export function formatDuration(durationMs: number): string {
  const units = Object.entries(UNIT_MS).toReversed();
  const exact = units.find(([, unitMs]) => durationMs >= unitMs && durationMs % unitMs === 0);
  return exact === undefined ? `${durationMs}ms` : `${durationMs / exact[1]}${exact[0]}`;
}
