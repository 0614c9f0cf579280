/** How a store in memory answers: in turn with others, and with the errors that the port names. */
import { hash } from "node:crypto";
import { CloudPhoenixError } from "@cloudphoenix/core";

/** Gives others a turn, as a network would, then answers. */
export async function answer<T>(signal: AbortSignal, work: () => T): Promise<T> {
  await Promise.resolve();
  if (signal.aborted) {
    throw new CloudPhoenixError("ABORTED", "it was told to stop", { retryable: true });
  }
  return work();
}

export function problem(
  code:
    | "OBJECT_GONE"
    | "OBJECT_CHANGED"
    | "OBJECT_CORRUPT"
    | "OBJECT_NAME_REFUSED"
    | "OBJECT_REFUSED"
    | "NOT_FOUND",
  key: string,
): CloudPhoenixError {
  const retryable = code === "OBJECT_CORRUPT";
  return new CloudPhoenixError(code, `${key}: ${code.toLowerCase().replaceAll("_", " ")}`, {
    retryable,
    hint: "Look at what the test did.",
  });
}

/** In hexadecimal, as the port speaks of it. */
export function md5Of(bytes: Uint8Array): string {
  return hash("md5", bytes, "hex");
}
