/** The orders service as a process: settings from the environment, ends on SIGTERM or SIGINT. */
import { pino, stdTimeFunctions } from "pino";
import { startService, type RunningService } from "./service.ts";
import { readSettings, SettingsError, type Settings } from "./settings.ts";

const settings = orExit(() => readSettings(process.env));
const logger = pino({
  level: settings.logLevel,
  base: { service: "orders", site: settings.site, pod: settings.pod },
  timestamp: stdTimeFunctions.isoTime,
  formatters: { level: (label) => ({ level: label }) },
});

const service = await startService(settings, logger);
logger.info({ port: service.port }, "listening");
endOnSignals(service);

/** Bad settings are the operator's business: a sentence each, no stack. Exit code 2. */
function orExit(read: () => Settings): Settings {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`orders cannot start:\n${error.message}\n`);
    return process.exit(2);
  }
}

/** First signal: drain within the deadline. Second signal, or the deadline: leave at once. */
function endOnSignals(running: RunningService): void {
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    signals += 1;
    if (signals > 1) process.exit(1);
    logger.info({ signal }, "draining");
    setTimeout(() => {
      logger.error("draining took too long");
      process.exit(1);
    }, settings.shutdownDeadlineMs).unref();
    void running.drain().then(() => {
      logger.info("drained");
      process.exit(0);
    });
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}
