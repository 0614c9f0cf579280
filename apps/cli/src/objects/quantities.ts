/** Amounts as they are typed: `64MiB`, `15m`, `5%`. */
import { BANDWIDTH_MIN_BYTES, parseBytes } from "@cloudphoenix/config";
import { InvalidArgumentError } from "commander";

/** @throws {InvalidArgumentError} */
export function bytesOf(text: string): number {
  const bytes = parseBytes(text);
  if (bytes !== null) return bytes;
  throw new InvalidArgumentError("give an amount like 500KB, 64MiB or 1.5GiB");
}

/** Bytes per second of a worker, as few as the configuration allows. @throws {InvalidArgumentError} */
export function workerBandwidthOf(text: string): number {
  const bytes = bytesOf(text);
  if (bytes >= BANDWIDTH_MIN_BYTES) return bytes;
  throw new InvalidArgumentError(`give ${BANDWIDTH_MIN_BYTES / 1024}KiB or more`);
}

const DURATION_UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds. @throws {InvalidArgumentError} */
export function durationOf(text: string): number {
  const { amount, unit } = /^(?<amount>\d+)(?<unit>[smhd])$/.exec(text)?.groups ?? {};
  const factor = DURATION_UNITS[unit ?? ""];
  if (amount !== undefined && factor !== undefined) return Number(amount) * factor;
  throw new InvalidArgumentError("give a duration like 0s, 90s, 15m, 2h or 1d");
}

/** `5%` as 0.05. @throws {InvalidArgumentError} */
export function shareOf(text: string): number {
  const percent = Number(/^(?<percent>\d+(?:\.\d+)?) ?%$/.exec(text)?.groups?.["percent"] ?? "-");
  if (percent > 0 && percent <= 100) return percent / 100;
  throw new InvalidArgumentError("give a share like 5%, more than 0% and at most 100%");
}

/** What may be deleted at most. */
export interface DeleteLimit {
  readonly maxCount?: number;
  readonly maxPercent?: number;
}

/** `500`, `10%` or both, `500,10%`. What is not said stays as it is. @throws {InvalidArgumentError} */
export function deleteLimitOf(text: string): DeleteLimit {
  const limit: { maxCount?: number; maxPercent?: number } = {};
  for (const piece of text.split(",")) {
    if (/^\d+$/.test(piece)) limit.maxCount = Number(piece);
    else if (piece.endsWith("%")) limit.maxPercent = shareOf(piece) * 100;
    else throw new InvalidArgumentError("give a count, a share, or both: 500, 10% or 500,10%");
  }
  return limit;
}

/** @throws {InvalidArgumentError} */
export function concurrencyOf(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 512) return value;
  throw new InvalidArgumentError("give a whole number from 1 to 512");
}
