/**
 * Reads every acknowledged write back and names those that are gone.
 *
 * A write is missing only on a definite answer: the service says that the key has made no order, or
 * names another order. Everything else (no answer, an error, somebody else's 404) is asked again.
 */
import type { Clock, Random } from "@cloudphoenix/engine";
import { pauseMs } from "./backoff.ts";
import { attempt, failureIn } from "./http-attempt.ts";
import type { Route } from "./client-connections.ts";
import type { LedgerEntry } from "./ledger.ts";
import type { MissingWrite, ReadbackResult } from "./load-protocol.ts";

/** What reading back stands on. */
export interface ReadbackParts {
  readonly route: (signal: AbortSignal) => Promise<Route>;
  readonly port: number;
  readonly host: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly attemptTimeoutMs: number;
  /** For all reads together. */
  readonly timeoutMs: number;
}

/** Few: the application serves its users meanwhile, and sheds load before it slows them down. */
const CONCURRENT_READS = 8;
const ATTEMPTS_MAX = 20;
/** More are only counted: a report names examples. */
const MISSING_LISTED_MAX = 10_000;

/** What all reads share. */
interface Reading {
  readonly deadlineMs: number;
  readonly failures: Map<string, number>;
}

type Finding = "present" | "missing" | "error";

/** Reads `entries` back, 8 at a time. Never rejects. */
export async function readBack(
  parts: ReadbackParts,
  entries: readonly LedgerEntry[],
): Promise<ReadbackResult> {
  const deadlineMs = performance.now() + parts.timeoutMs;
  const counts = { present: 0, missing: 0, error: 0 };
  const missing: MissingWrite[] = [];
  const failures = new Map<string, number>();
  // One iterator for all readers: each takes the next entry.
  const remaining = entries.values();
  const reader = async (): Promise<void> => {
    for (const entry of remaining) {
      if (performance.now() >= deadlineMs) return;
      const finding = await find(parts, entry, { deadlineMs, failures });
      counts[finding] += 1;
      if (finding === "missing" && missing.length < MISSING_LISTED_MAX) {
        const { key, orderId, ackedAtMs, site } = entry;
        missing.push({ key, orderId, ackedAtMs, site });
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_READS }, reader));
  const asked = counts.present + counts.missing + counts.error;
  return {
    checked: counts.present + counts.missing,
    missing: missing.toSorted((a, b) => a.ackedAtMs - b.ackedAtMs),
    missingTotal: counts.missing,
    errors: counts.error,
    notChecked: entries.length - asked,
    failures: Object.fromEntries(failures),
  };
}

async function find(
  parts: ReadbackParts,
  entry: LedgerEntry,
  { deadlineMs, failures }: Reading,
): Promise<Finding> {
  const request = {
    port: parts.port,
    method: "GET",
    path: `/orders?key=${encodeURIComponent(entry.key)}`,
    headers: { host: parts.host },
    body: null,
  } as const;
  for (let attempts = 1; attempts <= ATTEMPTS_MAX; attempts += 1) {
    const answer = await attempt(parts.route, request, parts.attemptTimeoutMs);
    if (answer.kind === "answered") {
      const { id, code } = answer.body;
      if (answer.status === 404 && code === "ORDER_NOT_FOUND") return "missing";
      if (answer.status === 200 && typeof id === "string") {
        return id === entry.orderId ? "present" : "missing";
      }
    }
    const reason = failureIn(answer);
    failures.set(reason, (failures.get(reason) ?? 0) + 1);
    if (performance.now() >= deadlineMs) break;
    await parts.clock.sleep(pauseMs(attempts, parts.random));
  }
  return "error";
}
