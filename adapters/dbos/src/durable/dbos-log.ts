/** DBOS's log in ours: its news is our detail, and an outage is told once, not ten times a second. */
import { messageOf } from "@cloudphoenix/core";
import type { Clock } from "@cloudphoenix/engine";
import type { DLogger } from "@dbos-inc/dbos-sdk";
import type { Log } from "../log.ts";

/** The same sentence is not repeated within this time. */
const REPEAT_AFTER_MS = 30_000;
/** Sentences remembered; when there are more, all are forgotten and may be said again. */
const REMEMBERED_MAX = 200;

/** A logger for `DBOS.setConfig`. */
export function dbosLog(log: Log, clock: Clock): DLogger {
  const saidAtMs = new Map<string, number>();
  const tell = (level: "warn" | "error", entry: unknown): void => {
    const sentence = messageOf(entry);
    const nowMs = clock.now();
    const lastMs = saidAtMs.get(sentence);
    if (lastMs !== undefined && nowMs - lastMs < REPEAT_AFTER_MS) return;
    if (saidAtMs.size >= REMEMBERED_MAX) saidAtMs.clear();
    saidAtMs.set(sentence, nowMs);
    log(level, `dbos: ${sentence}`);
  };
  return {
    debug: () => undefined,
    info: (entry) => log("debug", `dbos: ${messageOf(entry)}`),
    warn: (entry) => tell("warn", entry),
    error: (entry) => tell("error", entry),
  };
}
