/** Reads an impairment out of JSON that was not checked yet. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Impairment } from "./impairment.ts";

const CUTS = ["both", "forward", "backward"] as const;

/**
 * Fields: `cut` (`both`, `forward`, `backward`), `refuse`, `extraDelayMs` (each way),
 * `bytesPerSecond`, `dropProbability`. At least one.
 * @throws {CloudPhoenixError} `BAD_REQUEST`
 */
export function readImpairment(body: unknown): Impairment {
  const fields = new Map(typeof body === "object" && body !== null ? Object.entries(body) : []);
  const cut = CUTS.find((each) => each === fields.get("cut"));
  const extraDelayMs = numberOf(fields, "extraDelayMs", 60_000);
  const bytesPerSecond = numberOf(fields, "bytesPerSecond", 1e12);
  const dropProbability = numberOf(fields, "dropProbability", 1);
  const impairment: Impairment = {
    ...(cut !== undefined && { cut }),
    ...(fields.get("refuse") === true && { refuse: true }),
    ...(extraDelayMs !== null && {
      extraDelayMs: { forward: extraDelayMs, backward: extraDelayMs },
    }),
    ...(bytesPerSecond !== null && { bytesPerSecond: Math.max(1, bytesPerSecond) }),
    ...(dropProbability !== null && { dropProbability }),
  };
  if (Object.keys(impairment).length > 0) return impairment;
  throw refused("say what to do: cut, refuse, extraDelayMs, bytesPerSecond or dropProbability");
}

function numberOf(fields: ReadonlyMap<string, unknown>, name: string, max: number): number | null {
  const value = fields.get(name);
  if (value === undefined) return null;
  if (typeof value === "number" && value >= 0 && value <= max) return value;
  throw refused(`"${name}" must be a number from 0 to ${max}`);
}

function refused(message: string): CloudPhoenixError {
  return new CloudPhoenixError("BAD_REQUEST", message, { retryable: false });
}
