/** The whole of a body that may be too long, or stop half-way without a word. */
import type { Readable } from "node:stream";
import { objectTooLarge } from "./storage-failure.ts";

/**
 * Everything `stream` has. It is destroyed in every other case, so that its connection is not kept.
 * @throws {StorageError} `OBJECT_TOO_LARGE`; the reason of `signal` if that aborts first
 */
export async function readBody(
  stream: Readable,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const end = (): void => void stream.destroy(asError(signal.reason));
  signal.addEventListener("abort", end, { once: true });
  try {
    signal.throwIfAborted();
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > maxBytes) throw objectTooLarge(maxBytes);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, sizeBytes);
  } finally {
    signal.removeEventListener("abort", end);
    stream.destroy();
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
