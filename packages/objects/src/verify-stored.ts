import { CloudPhoenixError } from "@cloudphoenix/core";
import { type CopyTools, call } from "./copy-tools.ts";
import type { StoredObject } from "./object-store.ts";

export interface Expectation {
  /** At the target. */
  readonly key: string;
  readonly sizeBytes: number;
  readonly stored: StoredObject;
}

/**
 * Takes back what the target stored with another length or hash than it was sent: a corrupt copy must not stay, or
 * its stamp would vouch for it.
 * @throws {CloudPhoenixError} `OBJECT_CORRUPT`
 */
export async function verifyStored(
  { key, sizeBytes, stored }: Expectation,
  tools: CopyTools,
  signal: AbortSignal,
): Promise<void> {
  const { etag, isOther = false } = stored;
  if (stored.sizeBytes === sizeBytes && !isOther) return;
  await call(tools, signal, (limited) =>
    tools.target.delete(key, { kind: "unchanged", etag }, limited),
  );
  const what = isOther
    ? "other bytes than were sent"
    : `${stored.sizeBytes} bytes instead of ${sizeBytes}`;
  const message = `${key} was stored with ${what}; it was removed`;
  throw new CloudPhoenixError("OBJECT_CORRUPT", message, {
    retryable: true,
    hint: "Report this to whoever runs the target; run it again to copy the object anew.",
  });
}
