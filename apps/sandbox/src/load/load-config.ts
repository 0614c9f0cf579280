/** What the load client is told when it starts: one JSON file, written by the sandbox. */
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";

/** Settings of one load. Optional ones have defaults, see `DEFAULTS`. */
export interface LoadConfig {
  /** Prefix of every idempotency key. Unique per start, so that no key is ever used twice. */
  readonly run: string;
  /** The name clients know, and the port they use at whatever address it has. */
  readonly name: string;
  readonly port: number;
  readonly dns: { readonly host: string; readonly port: number };
  /** Acknowledged writes are appended here, one JSON object per line. */
  readonly ledgerFile: string;
  /** New writes per second, whether or not earlier ones have been answered. */
  readonly ratePerSecond: number;
  /** Writes under way at most; new ones beyond that are counted as shed. */
  readonly inFlightMax: number;
  /** Repeated attempts per second at most, over all writes. */
  readonly retriesPerSecond: number;
  readonly attemptTimeoutMs: number;
  /** A write that is not acknowledged after this long is given up. */
  readonly giveUpAfterMs: number;
  /** Connections are not used again once they are this old. */
  readonly connectionAgeMaxMs: number;
  /** Connections per address. */
  readonly connectionsMax: number;
  readonly eventsEveryMs: number;
  /** Acknowledged writes kept in memory, the newest ones. */
  readonly ledgerMax: number;
}

type Required = "run" | "name" | "port" | "dns" | "ledgerFile";

const DEFAULTS: Omit<LoadConfig, Required> = {
  ratePerSecond: 200,
  // Ten seconds of outage at the default rate; a user has long gone elsewhere by then.
  inFlightMax: 2_000,
  // Well-behaved clients keep to a retry budget; without one the retries of an outage would take
  // the processor from the recovery they are waiting for.
  retriesPerSecond: 400,
  attemptTimeoutMs: 1_000,
  // An outage of ten seconds, as long again until what waited has been worked off, and some patience.
  giveUpAfterMs: 30_000,
  connectionAgeMaxMs: 5_000,
  connectionsMax: 32,
  eventsEveryMs: 250,
  ledgerMax: 200_000,
};

/** The settings in `text`. @throws {CloudPhoenixError} `CONFIG_INVALID` naming the field */
export function parseLoadConfig(text: string): LoadConfig {
  const fields = objectOf(text);
  const unknown = Object.keys(fields).find((name) => !KNOWN.has(name));
  if (unknown !== undefined) throw invalid(`${unknown} is not a setting of the load client`);
  const numbers = Object.entries(DEFAULTS).map(([name, usual]) => [
    name,
    fields[name] === undefined ? usual : positive(name, fields[name]),
  ]);
  const { dns } = fields;
  if (!isRecord(dns)) throw invalid("dns must be an object");
  return {
    ...DEFAULTS,
    ...Object.fromEntries(numbers),
    run: word("run", fields["run"]),
    name: word("name", fields["name"]),
    port: positive("port", fields["port"]),
    dns: { host: word("dns.host", dns["host"]), port: positive("dns.port", dns["port"]) },
    ledgerFile: word("ledgerFile", fields["ledgerFile"]),
  };
}

const KNOWN: ReadonlySet<string> = new Set([
  ...Object.keys(DEFAULTS),
  "run",
  "name",
  "port",
  "dns",
  "ledgerFile",
]);

function objectOf(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(messageOf(error));
  }
  if (!isRecord(value)) throw invalid("it must hold one JSON object");
  return value;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function word(name: string, value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  throw invalid(`${name} must be a text`);
}

function positive(name: string, value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
  throw invalid(`${name} must be a number above 0`);
}

function invalid(what: string): CloudPhoenixError {
  return new CloudPhoenixError("CONFIG_INVALID", `the load configuration is not valid: ${what}`, {
    retryable: false,
    hint: "Correct the file and start the load client again.",
  });
}
