/** Keeps a second server out of a directory, without leaving anything behind when this one dies. */
import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { createServer } from "node:net";
import { isSystemError, LocalObjectsError } from "../error.ts";

/**
 * Holds `directory` until the answer is called or the process ends. Linux only: a name in the
 * kernel's socket table that goes away with its owner. Elsewhere it does nothing.
 * @throws {LocalObjectsError} `STATE_UNAVAILABLE` if another process holds it
 */
export async function holdDirectory(directory: string): Promise<() => Promise<void>> {
  if (process.platform !== "linux") return async () => undefined;
  const id = createHash("sha256")
    .update(await realpath(directory))
    .digest("hex")
    .slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(isSystemError(cause, "EADDRINUSE") ? held(directory) : cause),
    );
    server.listen(`\0local-objects-${id}`, resolve);
  });
  return () => new Promise((resolve) => server.close(() => resolve()));
}

function held(directory: string): LocalObjectsError {
  return new LocalObjectsError("STATE_UNAVAILABLE", `another server runs on ${directory}`, {
    hint: "Stop it, or use another directory.",
    retryable: true,
  });
}
