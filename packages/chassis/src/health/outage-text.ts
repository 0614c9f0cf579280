/** Failures in words that are safe to publish: no addresses, no SQL, no names of the inside. */
import { ServiceError } from "../errors/service-error.ts";

const TIMEOUTS = ["DATABASE_TIMEOUT", "DEPENDENCY_TIMEOUT", "STORAGE_TIMEOUT", "DEADLINE_EXCEEDED"];
const UNREACHABLE = ["DATABASE_UNAVAILABLE", "DEPENDENCY_UNAVAILABLE", "STORAGE_UNAVAILABLE"];

/** `unreachable`, `timed out`, `refused` or `not ready`. */
export function messageOfOutage(
  error: unknown,
): "unreachable" | "timed out" | "refused" | "not ready" {
  if (!(error instanceof ServiceError)) return "not ready";
  if (TIMEOUTS.includes(error.code)) return "timed out";
  if (error.code === "STORAGE_REFUSED") return "refused";
  return UNREACHABLE.includes(error.code) ? "unreachable" : "not ready";
}
