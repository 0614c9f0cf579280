/** The controller process. */

import { flushCompileCache } from "node:module";
import { setFlagsFromString } from "node:v8";
import { loadConfiguration, renderProblems } from "@cloudphoenix/config";
import { CloudPhoenixError, hasCode, messageOf } from "@cloudphoenix/core";
import type { Logger } from "pino";
import { readArguments, USAGE } from "./arguments.ts";
import { openLog } from "./composition/log.ts";
import type { ControllerEnd } from "./start-controller.ts";

/** After sysexits.h, so that supervisors can tell "start me again" from "somebody must look". */
const EXIT = { failed: 1, usage: 64, leadershipLost: 75, configuration: 78 } as const;

/** An orderly stop that takes longer than this is cut short: runs survive it anyway. */
const STOP_LIMIT_MS = 10_000;

/**
 * Keeps the nursery of the heap at its first size. A controller makes much short-lived garbage and
 * waits most of the time; left alone the nursery grows to 48 MB of mostly free memory.
 */
const SMALL_NURSERY = "--semi-space-growth-factor=1";

/**
 * Compiled code is kept (where NODE_COMPILE_CACHE says) once this controller has had time to take up
 * unfinished runs. Node keeps it at an orderly exit only, and the start that must be quick is the one
 * after a crash.
 */
const KEEP_COMPILED_AFTER_MS = 2_000;

async function main(): Promise<void> {
  const given = readArguments(process.argv.slice(2));
  if (given.help) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  const log = openLog({ level: given.logLevel, file: given.logFile });
  log.info({ processStartedAtMs: Math.round(performance.timeOrigin) }, "controller starts");
  const configuration = await loadConfiguration(given.config, { environment: process.env });
  if (configuration.warnings.length > 0) log.warn(renderProblems(configuration.warnings));
  setFlagsFromString(SMALL_NURSERY);
  // Loaded only now: a mistyped option should not wait for a database driver.
  const { startController } = await import("./start-controller.ts");
  const controller = await startController(configuration, {
    environment: process.env,
    log,
    ...(given.listen === null ? {} : { listen: given.listen }),
    stopStateDatabase: given.stopStateDatabase,
    onEnd: (end) => leaveAtOnce(end, log),
  });
  stopOnSignal(() => controller.close(), log);
  setTimeout(flushCompileCache, KEEP_COMPILED_AFTER_MS).unref();
}

/** Nothing may act any more, so nothing is tidied up either. */
function leaveAtOnce(end: ControllerEnd, log: Logger): never {
  if (end.kind === "leadership-lost") {
    log.fatal({ detail: end.reason }, "leadership lost, leaving at once");
    process.exit(EXIT.leadershipLost);
  }
  log.fatal({ err: end.error }, "the controller cannot go on");
  process.exit(EXIT.failed);
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
