/** The worker process. */
import { loadConfiguration, renderProblems } from "@cloudphoenix/config";
import { exitCodeFor, explain, openLog, stopOnSignals } from "@cloudphoenix/process";
import { readArguments, USAGE } from "./arguments.ts";

async function main(): Promise<void> {
  const given = readArguments(process.argv.slice(2));
  if (given.help) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  const log = openLog({
    level: given.logLevel,
    file: given.logFile,
    base: { service: "worker" },
  });
  const configuration = await loadConfiguration(given.config, { environment: process.env });
  if (configuration.warnings.length > 0) log.warn(renderProblems(configuration.warnings));
  // Loaded only now: a mistyped option should not wait for the clients of two clouds.
  const { startWorker } = await import("./start-worker.ts");
  const { listen, slots, bytesPerSecond, follow } = given;
  const worker = await startWorker(configuration, {
    log,
    listen,
    slots,
    bytesPerSecond,
    follow,
  });
  stopOnSignals(() => worker.close(), log);
}

try {
  await main();
} catch (error) {
  explain(error);
  process.exit(exitCodeFor(error));
}
