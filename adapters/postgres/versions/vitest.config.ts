import { defineConfig, type ViteUserConfig } from "vitest/config";

/** Apart from the usual tests, because it needs servers that the project does not bring along. */
const config: ViteUserConfig = defineConfig({
  test: {
    root: import.meta.dirname,
    include: ["*.suite.ts"],
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
});

export default config;
