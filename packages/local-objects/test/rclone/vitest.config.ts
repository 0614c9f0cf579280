import { defineConfig, type ViteUserConfig } from "vitest/config";

/** Apart from the usual tests, because it needs a program that the project does not bring along. */
const config: ViteUserConfig = defineConfig({
  test: {
    root: import.meta.dirname,
    include: ["*.suite.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});

export default config;
