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
  },
});

export default config;
