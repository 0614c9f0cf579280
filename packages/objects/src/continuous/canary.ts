/**
 * An object of ours that is written at the active store every few seconds and travels like any other.
 * Seen at the standby it measures how far the copy is behind, also without traffic, and also after
 * the active store is gone.
 */
import { createHash } from "node:crypto";
import type { ObjectPlace } from "../object-place.ts";
import type { ObjectFacts } from "../object-store.ts";
import { CANARY_NAME } from "../own-names.ts";

export interface Canary {
  /** By the clock of whoever wrote it; epoch ms. */
  readonly writtenMs: number;
  readonly site: string;
  readonly generation: number;
  /**
   * How far the store's clock is known to be ahead of the writer's, by an earlier canary that was written promptly; null if
   * it is not known. Absent: written by a release that did not say.
   */
  readonly aheadMs?: number | null;
}

const UNKNOWN = "unknown";

/** A canary as it was found. */
export interface FoundCanary extends Canary {
  /** When the store took it, by the store's own clock, which may tell whole seconds only. */
  readonly storedMs: number;
}

/** Writes `canary` over whatever is there. @throws {CloudPhoenixError} as `ObjectStore.write` */
export async function writeCanary(
  { store, prefix }: ObjectPlace,
  canary: Canary,
  signal: AbortSignal,
): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(canary)}\n`);
  const metadata = {
    writtenms: String(canary.writtenMs),
    site: canary.site,
    generation: String(canary.generation),
    ...(canary.aheadMs === undefined ? {} : { aheadms: String(canary.aheadMs ?? UNKNOWN) }),
  };
  await store.write(
    {
      key: prefix + CANARY_NAME,
      properties: {
        contentType: "application/json",
        contentEncoding: null,
        contentDisposition: null,
        contentLanguage: null,
        cacheControl: "no-store",
        metadata,
        tags: {},
        stamp: null,
      },
      condition: { kind: "none" },
    },
    { bytes, md5: createHash("md5").update(bytes).digest("hex") },
    signal,
  );
}

/** The canary at `place`; null if there is none. @throws {CloudPhoenixError} as `ObjectStore.head` */
export async function readCanary(
  { store, prefix }: ObjectPlace,
  signal: AbortSignal,
): Promise<FoundCanary | null> {
  const facts = await store.head(prefix + CANARY_NAME, signal);
  return facts === null ? null : canaryIn(facts);
}

function canaryIn({ properties: { metadata }, modifiedMs }: ObjectFacts): FoundCanary | null {
  const writtenMs = Number(metadata["writtenms"] ?? Number.NaN);
  const generation = Number(metadata["generation"] ?? Number.NaN);
  if (!Number.isSafeInteger(writtenMs) || !Number.isSafeInteger(generation)) return null;
  const found = { writtenMs, site: metadata["site"] ?? "", generation, storedMs: modifiedMs };
  const ahead = metadata["aheadms"];
  if (ahead === undefined) return found;
  return { ...found, aheadMs: Number.isFinite(Number(ahead)) ? Number(ahead) : null };
}
