/** Runs the service. Exit codes: 0 stopped in order, 1 failed, 2 settings cannot be used. */
import { runService, SettingsError } from "@cloudphoenix/chassis";
import { assembleStorefront } from "./service.ts";
import { storefrontSettings } from "./settings.ts";

try {
  await runService(await assembleStorefront(storefrontSettings(process.env), process.env));
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  process.stderr.write(`storefront cannot start:\n${error.message}\n`);
  process.exitCode = 2;
}
