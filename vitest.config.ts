import { join } from "node:path";
import { defineConfig, type ViteUserConfig } from "vitest/config";

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
    // Longer than a sandbox waits for its protection: its own reason says more than ours.
    hookTimeout: 120_000,
    maxWorkers: 2,
    // Most of a sandbox's first seconds is compiling: every process of every test takes what an
    // earlier one has compiled.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules/.cache/compiled") },
  },
});

export default config;
