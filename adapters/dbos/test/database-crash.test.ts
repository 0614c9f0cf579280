import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { DbosPlanRunner } from "../src/index.ts";
import { samplePlan } from "./sample-plan.ts";
import { systemClock, useStateServer } from "./state-server.ts";

const { server, launchedUrl } = useStateServer();
const forever = new AbortController().signal;

describe("a database that is killed under a living runner", () => {
  // DBOS waits twice as long after each failed try, so a busy machine may need a while.
  const limit = { timeout: 120_000 };

  test(
    "delays the run, repeats nothing, loses nothing, and is complained of once",
    limit,
    async () => {
      const begun = Promise.withResolvers<null>();
      const done: number[] = [];
      const complaints: string[] = [];
      const runner = await DbosPlanRunner.launch({
        url: await launchedUrl(),
        leadership: { epoch: 1, lost: forever },
        interpret: async (context) => {
          for (let n = 0; n < 8; n += 1) {
            await context.step(`step-${n}`, async () => {
              done.push(n);
              if (n === 3) begun.resolve(null);
              await systemClock.sleep(50);
              return n;
            });
          }
          return null;
        },
        executeBranch: async () => null,
        clock: systemClock,
        log: (level, message) => (level === "debug" ? undefined : complaints.push(message)),
      });
      await runner.start(samplePlan("run-1"), "test");
      await begun.promise;
      await server().killHard();
      await server().start();
      await runner.ended("run-1", forever);
      await runner.close();
      expect(done).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect(complaints.length).toBeGreaterThan(0);
      expect(new Set(complaints).size).toBe(complaints.length);
    },
  );

  test("is waited for by a run that was just about to write, too", limit, async () => {
    const times = await stepsOfARunDuring(async () => {
      const killed = server().killHard();
      standStill(300);
      return { over: killed.then(() => server().start()) };
    });
    expect(times).toBe(1);
  });

  test("is waited for although nothing listens at its address meanwhile", limit, async () => {
    const times = await stepsOfARunDuring(async () => {
      await server().stop("fast");
      return { over: wait(1_500).then(() => server().start()) };
    });
    expect(times).toBe(1);
  });
});

interface Outage {
  /** Once the database is back. */
  readonly over: Promise<void>;
}

/** How often a step runs whose result can be kept only once the database is back. */
async function stepsOfARunDuring(outage: () => Promise<Outage>): Promise<number> {
  let times = 0;
  let back: Outage = { over: Promise.resolve() };
  const runner = await DbosPlanRunner.launch({
    url: await launchedUrl(),
    leadership: { epoch: 1, lost: forever },
    interpret: async (context) => {
      await context.step("warms the connections", async () => null);
      await context.step("outlives the database", async () => {
        times += 1;
        back = await outage();
        return null;
      });
      return null;
    },
    executeBranch: async () => null,
    clock: systemClock,
    log: () => undefined,
  });
  await runner.start(samplePlan("run-2"), "test");
  await runner.ended("run-2", forever);
  await back.over;
  await runner.close();
  return times;
}

/** Nothing of this process happens meanwhile: it does not even hear that a connection was closed. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
