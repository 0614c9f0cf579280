/** How a fence that failed is reported. */
import { type FenceProof, hasCode, messageOf } from "@cloudphoenix/core";

/**
 * The proof for a fence that ended in `error`: `unproven` with the reason, because a dead site
 * must not stop a failover. @throws `error` itself if it is `STALE_GENERATION`: then this plan
 * is the one that must stop.
 */
export function unproven(means: string, error: unknown): FenceProof {
  if (hasCode(error, "STALE_GENERATION")) throw error;
  return { means, degree: "unproven", detail: messageOf(error) };
}
