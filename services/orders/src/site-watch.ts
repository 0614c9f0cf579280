/**
 * The last look at the database, shared by everything that reports on it.
 *
 * However many probes ask at once, one question at a time goes to the database, and none is
 * waited for longer than the limit.
 */
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { ServiceError } from "./service-error.ts";
import type { SiteReader, SiteRecord } from "./site-record.ts";

/** Why the database did not answer, in words that are safe to publish. */
type Outage = "unreachable" | "timed out" | "not ready";

/** One look. Exactly one of `record` and `outage` is set. */
export interface Observation {
  readonly record: SiteRecord | null;
  readonly outage: Outage | null;
  readonly responseMs: number;
}

/** A database that has not answered by then is as good as down to whoever asks for health. */
const LOOK_TIMEOUT_MS = 400;

export class SiteWatch {
  readonly #reader: Pick<SiteReader, "read">;
  #running: Promise<Observation> | null = null;
  #last: { readonly observation: Observation; readonly atMs: number } | null = null;

  constructor(reader: Pick<SiteReader, "read">) {
    this.#reader = reader;
  }

  /** An observation made at most `maxAgeMs` ago, or a new one. Never throws. */
  async observe(maxAgeMs: number): Promise<Observation> {
    if (this.#last !== null && performance.now() - this.#last.atMs < maxAgeMs) {
      return this.#last.observation;
    }
    this.#running ??= this.#look().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #look(): Promise<Observation> {
    const startedMs = performance.now();
    const timer = new AbortController();
    const answer = await Promise.race([
      this.#ask(),
      delay(LOOK_TIMEOUT_MS, { record: null, outage: "timed out" as const }, timer),
    ]);
    timer.abort();
    const endedMs = performance.now();
    const observation = { ...answer, responseMs: Math.round((endedMs - startedMs) * 10) / 10 };
    this.#last = { observation, atMs: endedMs };
    return observation;
  }

  async #ask(): Promise<Pick<Observation, "record" | "outage">> {
    try {
      return { record: await this.#reader.read(), outage: null };
    } catch (error) {
      return { record: null, outage: outageOf(error) };
    }
  }
}

function outageOf(error: unknown): Outage {
  if (!(error instanceof ServiceError)) return "not ready";
  if (error.code === "DATABASE_TIMEOUT") return "timed out";
  return error.code === "DATABASE_UNAVAILABLE" ? "unreachable" : "not ready";
}
