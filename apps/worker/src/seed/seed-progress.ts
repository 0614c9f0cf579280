import type { Task, TaskStatus } from "@cloudphoenix/engine";
import type { RangeFailure } from "@cloudphoenix/objects";
import { progressIn } from "../tasks/copy-range.ts";

/** How far a seed is. Plain JSON. */
export interface SeedProgress {
  readonly ranges: Readonly<Record<TaskStatus, number>>;
  /** Names compared. */
  readonly looked: number;
  readonly copied: number;
  readonly bytes: number;
  /** Objects that need a person. */
  readonly failed: number;
  readonly failures: readonly RangeFailure[];
  /** Why ranges were set aside. */
  readonly trouble: readonly string[];
  /** Processes that have a range now. */
  readonly workers: number;
}

const FAILURES_MAX = 20;

/** The sums over all ranges. */
export function seedProgress(tasks: readonly Task[]): SeedProgress {
  const ranges = { waiting: 0, claimed: 0, done: 0, "set-aside": 0, cancelled: 0 };
  const sums = { looked: 0, copied: 0, bytes: 0, failed: 0 };
  const failures: RangeFailure[] = [];
  for (const task of tasks) {
    ranges[task.status] += 1;
    const told = progressIn(task.status === "done" ? task.result : task.progress);
    if (told === null) continue;
    sums.looked += told.looked;
    sums.copied += told.copied;
    sums.bytes += told.bytes;
    sums.failed += told.failed;
    failures.push(...told.failures);
  }
  const claimed = tasks.filter(({ status }) => status === "claimed");
  const aside = tasks.filter(({ status }) => status === "set-aside");
  const trouble = new Set(aside.map(({ failure }) => failure?.message ?? "unknown"));
  return {
    ranges,
    ...sums,
    failures: failures.slice(0, FAILURES_MAX),
    trouble: [...trouble].slice(0, FAILURES_MAX),
    workers: new Set(claimed.map(({ holder }) => holder)).size,
  };
}
