/** The worker process. */
import { loadConfiguration, renderProblems } from "@cloudphoenix/config";
import { CloudPhoenixError, hasCode, messageOf } from "@cloudphoenix/core";
import type { Logger } from "pino";
import { readArguments, USAGE } from "./arguments.ts";
import { openLog } from "./composition/log.ts";

/** After sysexits.h, so that supervisors can tell "start me again" from "somebody must look". */
const EXIT = { failed: 1, usage: 64, configuration: 78 } as const;

/** An orderly stop that takes longer is cut short: claims run out by themselves. */
const STOP_LIMIT_MS = 10_000;

async function main(): Promise<void> {
  const given = readArguments(process.argv.slice(2));
  if (given.help) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  const log = openLog({ level: given.logLevel, file: given.logFile });
  const configuration = await loadConfiguration(given.config, { environment: process.env });
  if (configuration.warnings.length > 0) log.warn(renderProblems(configuration.warnings));
  // Loaded only now: a mistyped option should not wait for the clients of two clouds.
  const { startWorker } = await import("./start-worker.ts");
  const { listen, slots, follow } = given;
  const worker = await startWorker(configuration, { log, listen, slots, follow });
  stopOnSignal(() => worker.close(), log);
}

function stopOnSignal(close: () => Promise<void>, log: Logger): void {
  let asked = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (asked) process.exit(EXIT.failed);
    asked = true;
    log.info({ signal }, "stopping");
    setTimeout(() => {
      log.error("stopping took too long");
      process.exit(EXIT.failed);
    }, STOP_LIMIT_MS).unref();
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ err: error }, "stopping failed");
        process.exit(EXIT.failed);
      },
    );
  };
  process.on("SIGTERM", stop).on("SIGINT", stop);
}

/** A failure to start goes to standard error in words, whatever the log level is. */
function explain(error: unknown): void {
  process.stderr.write(`error: ${messageOf(error)}\n`);
  if (error instanceof CloudPhoenixError && error.hint !== undefined) {
    process.stderr.write(`${error.hint}\n`);
  }
}

function exitCodeFor(error: unknown): number {
  if (hasCode(error, "BAD_REQUEST")) return EXIT.usage;
  if (hasCode(error, "CONFIG_INVALID") || hasCode(error, "CONFIG_UNREADABLE")) {
    return EXIT.configuration;
  }
  return EXIT.failed;
}

try {
  await main();
} catch (error) {
  explain(error);
  process.exit(exitCodeFor(error));
}
