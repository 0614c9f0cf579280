/** An orderly end on SIGTERM or SIGINT. */
import type { Logger } from "pino";
import { EXIT } from "./failed-start.ts";

/** A stop that takes longer is cut short: whatever was under way survives that anyway. */
const STOP_LIMIT_MS = 10_000;

/**
 * Closes on the first signal and exits with 0, or 1 if closing failed or took more than 10 s. A
 * second signal ends the process at once.
 */
export function stopOnSignals(close: () => Promise<void>, log: Logger): void {
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
      () => {
        log.info("stopped");
        process.exit(0);
      },
      (error: unknown) => {
        log.fatal({ err: error }, "stopping failed");
        process.exit(EXIT.failed);
      },
    );
  };
  process.on("SIGTERM", stop).on("SIGINT", stop);
}
