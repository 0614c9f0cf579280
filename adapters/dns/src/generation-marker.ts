/** The TXT record beside the switched record: which generation set it, and for which site. */
import type { SiteId } from "@cloudphoenix/core";
import { CloudPhoenixError } from "@cloudphoenix/core";

export interface GenerationMarker {
  readonly generation: number;
  readonly site: SiteId;
}

/** Name of the marker of `name`. Labels with an underscore cannot be host names (RFC 8552). */
export function markerName(name: string): string {
  return `_cloudphoenix.${name}`;
}

/** For instance `v=1;generation=7;site=aws-us-east-1`. */
export function writeMarker({ generation, site }: GenerationMarker): string {
  return `v=1;generation=${generation};site=${site}`;
}

/**
 * Reads what `writeMarker` wrote. No marker reads as generation 0.
 * @throws {CloudPhoenixError} `TRAFFIC_REFUSED` for anything else: a marker that cannot be read
 *   may hold a newer generation, so nothing may be changed over it
 */
export function readMarker(name: string, texts: readonly string[]): GenerationMarker | null {
  const [text, ...others] = texts;
  if (text === undefined) return null;
  const [, generation, site] = /^v=1;generation=(\d{1,15});site=([a-z0-9-]+)$/u.exec(text) ?? [];
  if (others.length > 0 || generation === undefined || site === undefined) {
    throw new CloudPhoenixError(
      "TRAFFIC_REFUSED",
      `the TXT record ${markerName(name)} is not ours`,
      {
        retryable: false,
        hint: `Look at the TXT record ${markerName(name)} and delete it once you know who wrote it.`,
      },
    );
  }
  return { generation: Number(generation), site };
}
