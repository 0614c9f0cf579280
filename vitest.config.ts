import { defineConfig } from "vitest/config";

// Files run one after another in at most two workers: many suites start real PostgreSQL servers,
// and the machines this runs on (laptops, two-core CI) have little to spare.
export default defineConfig({
  test: {
    include: ["{packages,adapters,apps,services}/*/test/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    reporters: ["default"],
  },
});
