/** The command line of a worker. */
import {
  BANDWIDTH_MIN_BYTES,
  type HostPort,
  parseBytes,
  parseHostPort,
} from "@cloudphoenix/config";
import { CloudPhoenixError } from "@cloudphoenix/core";
import { LOG_LEVELS, type LogLevel, readOptions, wrongCommandLine } from "@cloudphoenix/process";

export const USAGE: string = `usage: node apps/worker/src/main.ts --config <file> [options]

  --config <file>         the YAML file of the application, as the controller uses it
  --listen <host:port>    where /live, /ready and /metrics answer (default: nowhere; port 0 takes a free one)
  --slots <n>             ranges copied at the same time, 0 to 64 (default: 2; 0 leaves bulk work to others)
  --bandwidth <size>      bytes per second at most, for instance 20MiB (default: objects.bandwidth in the file)
  --no-follow             leave following the active site to other workers
  --log-level <level>     ${LOG_LEVELS.join(", ")} (default: info)
  --log-file <file>       append the log to a file instead of standard output
  --help                  print this

exit codes: 0 stopped as asked, 1 failed, 64 wrong command line, 78 wrong configuration`;

export interface WorkerArguments {
  readonly help: boolean;
  readonly config: string;
  readonly listen: HostPort | null;
  readonly slots: number;
  /** Null: as the file says. */
  readonly bytesPerSecond: number | null;
  readonly follow: boolean;
  readonly logLevel: LogLevel;
  readonly logFile: string | null;
}

/** Small: each slot copies as many objects at once as the configuration says. */
export const SLOTS_DEFAULT = 2;
const SLOTS_MAX = 64;

// Left without a type on purpose: `readOptions` computes the result from it.
const OPTIONS = {
  config: { type: "string" },
  listen: { type: "string" },
  slots: { type: "string" },
  bandwidth: { type: "string" },
  follow: { type: "boolean", default: true },
  "log-level": { type: "string", default: "info" },
  "log-file": { type: "string" },
  help: { type: "boolean", default: false },
} as const;

/** @throws {CloudPhoenixError} `BAD_REQUEST` with the usage as hint */
export function readArguments(args: readonly string[]): WorkerArguments {
  const values = readOptions({ args: [...args], options: OPTIONS, allowNegative: true }, USAGE);
  const { config, listen, slots, bandwidth, help } = values;
  if (!help && (config === undefined || config === "")) throw wrong("--config is missing");
  const logLevel = LOG_LEVELS.find((level) => level === values["log-level"]);
  if (logLevel === undefined) throw wrong(`--log-level ${values["log-level"]} is not a level`);
  return {
    help,
    config: config ?? "",
    listen: listen === undefined ? null : readListen(listen),
    slots: slots === undefined ? SLOTS_DEFAULT : readSlots(slots),
    bytesPerSecond: bandwidth === undefined ? null : readBandwidth(bandwidth),
    follow: values.follow,
    logLevel,
    logFile: values["log-file"] ?? null,
  };
}

/** @throws {CloudPhoenixError} `BAD_REQUEST` */
export function readListen(text: string): HostPort {
  const listen = parseHostPort(text);
  if (listen !== null) return listen;
  throw new CloudPhoenixError("BAD_REQUEST", `--listen ${text} is not host:port`, {
    retryable: false,
    hint: "Write for instance 0.0.0.0:9090.",
  });
}

/** @throws {CloudPhoenixError} `BAD_REQUEST` */
export function readSlots(text: string): number {
  const slots = /^\d{1,2}$/u.test(text) ? Number(text) : Number.NaN;
  if (slots <= SLOTS_MAX) return slots;
  throw new CloudPhoenixError("BAD_REQUEST", `--slots ${text} is not a number of ranges`, {
    retryable: false,
    hint: `Give a number from 0 to ${SLOTS_MAX}.`,
  });
}

function readBandwidth(text: string): number {
  const bytes = parseBytes(text);
  if (bytes !== null && bytes >= BANDWIDTH_MIN_BYTES) return bytes;
  const what = bytes === null ? "is not an amount of bytes" : "is too little";
  throw new CloudPhoenixError("BAD_REQUEST", `--bandwidth ${text} ${what}`, {
    retryable: false,
    hint: `Give ${BANDWIDTH_MIN_BYTES / 1024}KiB or more, for instance 500KB, 64MiB or 1.5GiB.`,
  });
}

function wrong(message: string): CloudPhoenixError {
  return wrongCommandLine(message, USAGE);
}
