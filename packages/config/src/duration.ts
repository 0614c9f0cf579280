/** Durations as people write them: `250ms`, `5s`, `2m`, `1h`, `7d`. */

import { z } from "zod";

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

/** A duration between `minMs` and `maxMs`, both included, parsed into milliseconds. */
export function duration(bounds: { readonly minMs: number; readonly maxMs: number }): z.ZodType<number> {
  const { minMs, maxMs } = bounds;
  const help = `write a number with a unit, for instance \`${formatDuration(Math.max(minMs, 1000))}\``;
  return z
    .any()
    .transform((value: unknown, context): number => {
      const durationMs = typeof value === "string" ? parseDuration(value) : null;
      if (durationMs === null) {
        context.addIssue({ code: "custom", message: notADuration(value), params: { help } });
        return z.NEVER;
      }
      if (durationMs < minMs || durationMs > maxMs) {
        const range = `${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
        context.addIssue({
          code: "custom",
          message: `must be between ${formatDuration(minMs)} and ${formatDuration(maxMs)}`,
          params: { help: `choose a duration from ${range}` },
        });
        return z.NEVER;
      }
      return durationMs;
    })
    .meta({ type: "duration" });
}

function notADuration(value: unknown): string {
  if (value === undefined) return "is missing";
  if (typeof value === "number") return `${value} has no unit`;
  return typeof value === "string" ? `\`${value}\` is not a duration` : "is not a duration";
}
