/** Looking into JSON that somebody else wrote: what is not there is null. */
import type { Json } from "./run.ts";

/** The field of an object; null for a missing one, and for what is no object. */
export function field(value: Json, name: string): Json {
  if (typeof value !== "object" || value === null || isList(value)) return null;
  return value[name] ?? null;
}

export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
