/** Runs the service. Exit codes: 0 stopped in order, 1 failed, 2 settings cannot be used. */
import { runService, SettingsError } from "@cloudphoenix/chassis";
import { assembleFulfilment } from "./service.ts";
import { fulfilmentSettings } from "./settings.ts";

try {
  const fulfilment = await assembleFulfilment(fulfilmentSettings(process.env), process.env);
  await runService(fulfilment.parts);
  fulfilment.worker.start();
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  process.stderr.write(`fulfilment cannot start:\n${error.message}\n`);
  process.exitCode = 2;
}
