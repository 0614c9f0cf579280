/** Reads fields of a JSON body that was not checked yet. */
import { CloudPhoenixError } from "@cloudphoenix/core";

/** @throws {CloudPhoenixError} `BAD_REQUEST` unless field `name` is a whole number >= 0 */
export function countField(body: unknown, name: string): number {
  const value = field(body, name);
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw refused(name, "must be a whole number, 0 or more");
}

/** @throws {CloudPhoenixError} `BAD_REQUEST` unless field `name` is a boolean */
export function booleanField(body: unknown, name: string): boolean {
  const value = field(body, name);
  if (typeof value === "boolean") return value;
  throw refused(name, "must be true or false");
}

/** @throws {CloudPhoenixError} `BAD_REQUEST` unless field `name` is a text */
export function textField(body: unknown, name: string): string {
  const value = optionalTextField(body, name);
  if (value !== null) return value;
  throw refused(name, "is missing");
}

/** Null if the field is absent. @throws {CloudPhoenixError} `BAD_REQUEST` if it is not a text */
export function optionalTextField(body: unknown, name: string): string | null {
  const value = field(body, name);
  if (value === undefined || value === null) return null;
  if (typeof value === "string") return value;
  throw refused(name, "must be a text");
}

function field(body: unknown, name: string): unknown {
  if (typeof body !== "object" || body === null) return undefined;
  return Object.entries(body).find(([key]) => key === name)?.[1];
}

function refused(name: string, rule: string): CloudPhoenixError {
  return new CloudPhoenixError("BAD_REQUEST", `"${name}" ${rule}`, { retryable: false });
}
