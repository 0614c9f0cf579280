/** The parts of the file that say where an application's objects lie and how they are copied. */

import { z } from "zod";
import type { ObjectsConfiguration, StoreConfiguration } from "./configuration.ts";
import { byteRate, duration, file, httpUrl, type ResolveFile } from "./fields.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Bytes per second of a worker, at least: below it the canary and a single receipt would take seconds. */
export const BANDWIDTH_MIN_BYTES: number = 64 * 1024;
const STORE_SCHEMES: readonly string[] = ["s3:", "azblob:"];

/** `objects`. */
export function objectsSection(): z.ZodType<ObjectsConfiguration> {
  return z
    .strictObject({
      references: z
        .array(referenceSection())
        .max(64)
        .default([])
        .describe(
          "Columns whose rows point to objects; after a move, rows whose object is missing are listed.",
        ),
      rpo: duration(0, DAY_MS)
        .default(60_000)
        .meta({ default: "1m" })
        .describe("How far the copy may be behind before a signal `object-backlog` is degraded."),
      reconcile: duration(1000, DAY_MS)
        .default(60_000)
        .meta({ default: "1m" })
        .describe(
          "Time between two whole comparisons of both listings; longer by itself where one takes long.",
        ),
      canary: duration(250, HOUR_MS)
        .default(2_000)
        .meta({ default: "2s" })
        .describe("How often a canary object is written at the active site and looked for."),
      final_sync: duration(0, HOUR_MS)
        .default(3_000)
        .meta({ default: "3s" })
        .describe("Longest a move waits for objects that are still on their way."),
      in_flight: z
        .int()
        .min(1)
        .max(256)
        .default(64)
        .describe("Objects copied at the same time; over a distance each takes three round trips."),
      bandwidth: bandwidth(),
      server_side_copy: z
        .enum(["auto", "always", "never"])
        .default("auto")
        .describe(
          "Whether a store that can (Blob, from S3) reads objects from their source itself: `auto` does where it works, `always` streams nothing that could be read so, `never` streams everything.",
        ),
      deletes: deletesSection()
        .prefault({})
        .describe("How deletes at the active site reach the standby."),
    })
    .transform(({ final_sync: finalSyncMs, in_flight: inFlight, ...section }) => ({
      references: section.references,
      rpoMs: section.rpo,
      reconcileMs: section.reconcile,
      canaryMs: section.canary,
      finalSyncMs,
      inFlight,
      bytesPerSecond: section.bandwidth ?? null,
      serverSideCopy: section.server_side_copy,
      deletes: section.deletes,
    }));
}

function bandwidth(): z.ZodType<number | undefined> {
  return byteRate(BANDWIDTH_MIN_BYTES)
    .optional()
    .describe(
      "Most bytes per second that one worker moves, for all it does; `--bandwidth` of a worker goes before it. Left out, there is no limit: what is slowed down is further behind, and a move then loses more. What a store reads itself is not counted.",
    );
}

function referenceSection(): z.ZodType<ObjectsConfiguration["references"][number]> {
  return z
    .strictObject({
      table: identifier("table").describe("Table as `schema.table`."),
      key: identifier("column").describe("Column that holds the object's key."),
      stored_at: identifier("column").describe(
        "Column with the time at which the object was stored; null while it is not.",
      ),
    })
    .transform(({ stored_at: storedAt, ...section }) => ({ ...section, storedAt }));
}

/** A name that is put into SQL as it is. */
function identifier(what: string): z.ZodType<string> {
  return z
    .string()
    .regex(/^[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)?$/, `is not the name of a ${what}`)
    .meta({ type: "name", help: "use lower case letters, digits and underscores" });
}

function deletesSection(): z.ZodType<ObjectsConfiguration["deletes"]> {
  return z
    .strictObject({
      delay: duration(0, 365 * DAY_MS)
        .default(DAY_MS)
        .meta({ default: "1d" })
        .describe("How long an object that was deleted at the active site stays at the standby."),
      max_percent: z
        .number()
        .min(0)
        .max(100)
        .default(5)
        .describe("Largest share of the objects deleted within an hour; above it nothing is."),
      max_count: z
        .int()
        .min(0)
        .max(1_000_000_000)
        .default(1_000)
        .describe("Largest number of objects deleted within an hour; above it nothing is."),
    })
    .transform((section) => ({
      delayMs: section.delay,
      maxPercent: section.max_percent,
      maxCount: section.max_count,
    }));
}

/** `sites[].objects`. */
export function storeSection(resolve: ResolveFile): z.ZodType<StoreConfiguration> {
  return z
    .strictObject({
      url: storeUrl().describe(
        "The store: `s3://bucket?region=…` or `azblob://account/container`; `endpoint=` names another server.",
      ),
      credentials_file: file(resolve)
        .optional()
        .describe(
          "File with static keys, mode 0600. Left out, the role of the process is used, as it should be in a cloud.",
        ),
      hints_url: httpUrl()
        .optional()
        .describe(
          "Queue with the store's change events (SQS or Storage Queue). Left out, changes are found by comparing listings.",
        ),
    })
    .transform((section) => ({
      url: section.url,
      credentialsFile: section.credentials_file ?? null,
      hintsUrl: section.hints_url ?? null,
    }));
}

function storeUrl(): z.ZodType<string> {
  const help =
    "write for instance `s3://receipts?region=eu-central-1` or `azblob://account/receipts`";
  return z
    .string()
    .transform((value, context): string => {
      const wrong = wrongWithStoreUrl(value);
      if (wrong === null) return value;
      context.addIssue({ code: "custom", message: wrong, params: { help } });
      return z.NEVER;
    })
    .meta({ type: "store URL", help });
}

/** The value is never repeated: what is wrong with it may be that it holds a key. */
function wrongWithStoreUrl(value: string): string | null {
  const url = URL.parse(value);
  if (url === null || !STORE_SCHEMES.includes(url.protocol))
    return "is not an s3:// or azblob:// URL";
  if (url.username !== "" || url.password !== "") return "holds credentials";
  const unknown = [...url.searchParams.keys()].filter(
    (key) => !["endpoint", "region"].includes(key),
  );
  if (unknown.length > 0) return "has a parameter other than `endpoint` and `region`";
  if (url.hostname === "") return "names no bucket or account";
  if (url.protocol === "azblob:" && url.pathname.length < 2) return "names no container";
  return null;
}
