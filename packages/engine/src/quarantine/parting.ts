/** Where two sites parted: written down at the promotion, needed when the old primary returns. */
import type { Json, SiteId } from "@cloudphoenix/core";

export interface Parting {
  /** How far the writer had applied the log of the other site, as `X/Y`; null if unknown. */
  readonly appliedLsn: string | null;
  /** Slot the writer made before its first write. */
  readonly reverseSlot: string;
}

/** Key of the fact that holds the newest parting of `writer` from `site`. */
export function partingKey(writer: SiteId, site: SiteId): string {
  return `parting:${writer}:${site}`;
}

/** The parting in a stored fact; null if there is none. */
export function partingIn(stored: Json): Parting | null {
  if (typeof stored !== "object" || stored === null || !("reverseSlot" in stored)) return null;
  const { appliedLsn, reverseSlot } = stored;
  if (typeof reverseSlot !== "string") return null;
  return { appliedLsn: typeof appliedLsn === "string" ? appliedLsn : null, reverseSlot };
}
