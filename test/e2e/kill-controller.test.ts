import { expect, test } from "vitest";
import { failoverUnderFire } from "./kill-campaign.ts";
import { seededRandom } from "./seeded-random.ts";

// Goal: kill -9 of the controller at random instants of a failover loses no step and repeats none
// but the one in flight. CLOUDPHOENIX_KILLS=30 runs the whole campaign; the seed is printed.

const KILLS = Number(process.env["CLOUDPHOENIX_KILLS"] ?? 4);
const KILLS_PER_RUN = 2;
const SEED = Number(process.env["CLOUDPHOENIX_SEED"] ?? Date.now() % 1_000_000);

test(
  `${KILLS} kills of the controller lose nothing and repeat only what was in flight`,
  async () => {
    const random = seededRandom(SEED);
    const resumedMs: number[] = [];
    let repeats = 0;
    for (let done = 0; done < KILLS; done += KILLS_PER_RUN) {
      const result = await failoverUnderFire(Math.min(KILLS_PER_RUN, KILLS - done), random);
      expect(result.run.status, JSON.stringify(result)).toBe("completed");
      expect(result.lostSteps).toEqual([]);
      expect(result.wrongRepeats).toEqual([]);
      repeats += result.repeats.length;
      resumedMs.push(...result.kills.flatMap((kill) => kill.resumedMs ?? []));
    }
    const sorted = resumedMs.toSorted((a, b) => a - b);
    console.log(
      `seed ${SEED}: ${KILLS} kills, ${sorted.length} in mid-run, ${repeats} operations in flight ran again, resumed p50 ${sorted[Math.floor(sorted.length / 2)] ?? "-"} ms, worst ${sorted.at(-1) ?? "-"} ms`,
    );
  },
  KILLS * 60_000,
);
