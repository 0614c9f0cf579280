import { expect, test } from "vitest";
import { oneWriterRun } from "./one-writer-campaign.ts";
import { seededRandom } from "./seeded-random.ts";

// Goal: whatever is cut, frozen or killed, no site accepts a write after one of a newer epoch did,
// and every write the clients were promised is there afterwards. CLOUDPHOENIX_RUNS=50 runs the
// campaign; every run prints its seed.

const RUNS = Number(process.env["CLOUDPHOENIX_RUNS"] ?? 1);
const SEED = Number(process.env["CLOUDPHOENIX_SEED"] ?? Date.now() % 1_000_000);

test(
  `${RUNS} disturbed sandboxes have one writer at every instant and keep every promised write`,
  async () => {
    for (let run = 0; run < RUNS; run += 1) {
      const seed = SEED + run;
      const result = await oneWriterRun(seededRandom(seed));
      console.log(JSON.stringify({ seed, ...summary(result) }));
      expect(result.twoWriters, `seed ${seed}`).toEqual([]);
      for (const gapMs of result.gapsMs) expect(gapMs, `seed ${seed}`).toBeGreaterThanOrEqual(0);
      expect(result.readback?.missingTotal ?? 0, `seed ${seed}`).toBe(0);
    }
  },
  RUNS * 150_000,
);

function summary(result: Awaited<ReturnType<typeof oneWriterRun>>): object {
  const {
    clockOffsetsMs,
    disturbances,
    accepted,
    twoWriters,
    gapsMs,
    load,
    readback,
    writableAgain,
  } = result;
  return {
    gapsMs,
    twoWriters,
    accepted,
    acknowledged: load?.acknowledged ?? 0,
    checked: readback?.checked ?? 0,
    missing: readback?.missingTotal ?? 0,
    writableAgain,
    clockOffsetsMs,
    disturbances,
  };
}
