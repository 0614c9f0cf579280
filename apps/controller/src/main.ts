/** The controller process. */

import { flushCompileCache } from "node:module";
import { setFlagsFromString } from "node:v8";
import { loadConfiguration, renderProblems } from "@cloudphoenix/config";
import { EXIT, exitCodeFor, explain, openLog, stopOnSignals } from "@cloudphoenix/process";
import type { Logger } from "pino";
import { readArguments, USAGE } from "./arguments.ts";
import type { ControllerEnd } from "./start-controller.ts";

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
  const log = openLog({
    level: given.logLevel,
    file: given.logFile,
    base: { service: "controller" },
  });
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
  stopOnSignals(() => controller.close(), log);
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

try {
  await main();
} catch (error) {
  explain(error);
  process.exit(exitCodeFor(error));
}
