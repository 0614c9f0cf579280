/** A seed that is asked for again. */
import type { Task, WorkQueue } from "@cloudphoenix/engine";
import { expect, test } from "vitest";
import { seedBatch, seedStandby, type SeedOptions } from "../src/seed/seed-standby.ts";

const BATCH = seedBatch("first", { from: "aws", to: "azure", generation: 1 });

/** A queue that knows the ranges of a seed whose cut is complete; what is retried is done at once. */
function queueWith(statuses: readonly Task["status"][]): {
  readonly work: SeedOptions["state"]["work"];
  readonly retried: readonly string[];
} {
  const retried: string[] = [];
  const batch = async (): Promise<readonly Task[]> =>
    statuses.map((status, at) => {
      const id = `task-${at}`;
      const isLast = at === statuses.length - 1;
      return {
        id,
        key: isLast ? `${BATCH}:last` : `${BATCH}:0:${at}`,
        status: retried.includes(id) ? "done" : status,
        failure: { code: "OBJECT_STORE_DENIED", message: "no right to write" },
        progress: null,
        result: null,
      } as unknown as Task;
    });
  const retry = async (id: string): Promise<void> => void retried.push(id);
  return { work: { batch, retry } as unknown as WorkQueue, retried };
}

test("tries the ranges again that were set aside, and no others", async () => {
  const { work, retried } = queueWith(["done", "set-aside", "cancelled", "set-aside"]);
  const done = await seedStandby({
    configuration: { application: { name: "shop", sites: [{ id: "aws" }, { id: "azure" }] } },
    state: { work, roles: { read: async () => ({ active: "aws", generation: 1 }) } },
    stores: new Map(),
    name: "first",
    onProgress: () => undefined,
    signal: AbortSignal.timeout(5_000),
  } as unknown as SeedOptions);
  expect(retried).toEqual(["task-1", "task-3"]);
  expect(done.ranges).toMatchObject({ done: 3, "set-aside": 0, cancelled: 1 });
  expect(done.trouble).toEqual([]);
});
