import { join } from "node:path";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { rcloneAvailable } from "./rclone.ts";

/**
 * Apart from the usual tests, because it needs a program that the project does not bring along.
 * Campaigns of the sync run here once more, with rclone's opinion after each.
 */
const config: ViteUserConfig = defineConfig({
  test: {
    root: join(import.meta.dirname, "../../../.."),
    include: [
      "packages/local-objects/test/rclone/*.suite.ts",
      "test/e2e/objects-faults.test.ts",
      "test/e2e/objects-kill.test.ts",
    ],
    env: rcloneAvailable() ? { CLOUDPHOENIX_SECOND_OPINION: "rclone" } : {},
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});

export default config;
