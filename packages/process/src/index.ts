/** What controller, worker and agent have in common as processes: command line, logs, signals, the end. */
export { readOptions, wrongCommandLine } from "./command-line.ts";
export { EXIT, exitCodeFor, explain } from "./failed-start.ts";
export { LOG_LEVELS, type LogLevel, openLog } from "./open-log.ts";
export { stopOnSignals } from "./stop-on-signals.ts";
