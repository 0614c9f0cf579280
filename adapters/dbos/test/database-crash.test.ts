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
});
