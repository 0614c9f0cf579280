import { join } from "node:path";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Where a file may take a minute, however small it is: what opens sandboxes and kills controllers. */
const SLOW = ["/test/e2e/", "/adapters/dbos/test/", "/apps/sandbox/test/"];

function isSlow({ moduleId }: TestSpecification): boolean {
  return SLOW.some((folder) => moduleId.includes(folder));
}

/**
 * What is slow starts first, and short files fill the end: whatever starts last leaves the other worker
 * without work. Within both groups the order is Vitest's own, by size where nothing is known.
 */
class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- no array is sorted here
    const sorted = await super.sort(files);
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}

// At most two workers: many suites start real PostgreSQL servers, and the machines this runs on
// (laptops, two-core CI) have little to spare.
const config: ViteUserConfig = defineConfig({
  test: {
    include: [
      "{packages,adapters,apps,services}/*/test/**/*.test.ts",
      "test/**/*.test.ts",
      "deploy/*/validation/test/**/*.test.ts",
    ],
    testTimeout: 30_000,
    // What is asked for until it comes has the time of a busy machine; Vitest's own second has not.
    expect: { poll: { timeout: 20_000 } },
    // Longer than a sandbox waits for its protection: its own reason says more than ours.
    hookTimeout: 120_000,
    maxWorkers: 2,
    sequence: { sequencer: SlowFirst },
    // Most of a sandbox's first seconds is compiling: every process of every test takes what an
    // earlier one has compiled.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules/.cache/compiled") },
  },
});

export default config;
