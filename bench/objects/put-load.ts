/** The application: puts objects at a steady rate, in a process of its own, and tells when each was answered. */
import { hash, randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { ObjectProperties } from "@cloudphoenix/objects";
import { openSiteStore, type SiteStoreSettings } from "@cloudphoenix/stores";

/** What it is told to do. */
export interface PutLoad {
  readonly settings: SiteStoreSettings;
  readonly perSecond: number;
  readonly seconds: number;
  readonly sizeBytes: number;
}

/** What it tells: keys with the instant of their answer, epoch ms of a clock that never jumps. */
export type PutTold =
  | { readonly kind: "stored"; readonly key: string; readonly atMs: number }
  | { readonly kind: "ended"; readonly tookMs: number; readonly failed: number };

const NEVER = new AbortController().signal;
const PROPERTIES: ObjectProperties = {
  contentType: "application/octet-stream",
  contentEncoding: null,
  contentDisposition: null,
  contentLanguage: null,
  cacheControl: null,
  metadata: {},
  tags: {},
  stamp: null,
};

process.once("message", (load: PutLoad) => void run(load));

async function run({ settings, perSecond, seconds, sizeBytes }: PutLoad): Promise<void> {
  const opened = await openSiteStore(settings, {});
  const bytes = randomBytes(sizeBytes);
  const body = { bytes, md5: hash("md5", bytes, "hex") };
  const beganMs = performance.now();
  let failed = 0;
  const putOne = async (key: string): Promise<void> => {
    const request = { key, properties: PROPERTIES, condition: { kind: "none" } } as const;
    await opened.place.store.write(request, body, NEVER);
    tell({ kind: "stored", key, atMs: performance.timeOrigin + performance.now() });
  };
  const puts = new Set<Promise<void>>();
  for (let n = 0; n < perSecond * seconds; n += 1) {
    const earlyMs = beganMs + (n * 1_000) / perSecond - performance.now();
    if (earlyMs > 0) await wait(earlyMs);
    const put = putOne(`receipts/${n}`)
      .catch(() => void (failed += 1))
      .finally(() => puts.delete(put));
    puts.add(put);
  }
  await Promise.all(puts);
  tell({ kind: "ended", tookMs: performance.now() - beganMs, failed });
  opened.close();
  process.disconnect();
}

function tell(told: PutTold): void {
  process.send?.(told);
}
