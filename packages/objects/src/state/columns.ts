/** Values of SQLite as the types they were stored with. */
import { CloudPhoenixError } from "@cloudphoenix/core";

export function numberOf(value: unknown): number {
  return typeof value === "number" ? value : damaged();
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : damaged();
}

export function blobOf(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : damaged();
}

function damaged(): never {
  throw new CloudPhoenixError("STATE_UNAVAILABLE", "the state of the sync is damaged", {
    retryable: false,
    hint: "Remove its file, or use another --state-dir; that costs work and delays deletes.",
  });
}
