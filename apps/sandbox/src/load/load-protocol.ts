/** What goes in on standard input and comes out on standard output: one JSON object per line. */
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";

/** `readback` reads through DNS unless it is given a base URL, and stops after `timeoutMs`. */
export type LoadCommand =
  | { readonly command: "start" }
  | { readonly command: "stop" }
  | { readonly command: "readback"; readonly baseUrl?: string; readonly timeoutMs?: number }
  /** Counts the orders that the application has. */
  | { readonly command: "census" }
  | { readonly command: "quit" };

/** One writer as clients saw it: a site in one generation. Times are epoch milliseconds. */
export interface Epoch {
  readonly site: string;
  readonly generation: number;
  readonly acknowledged: number;
  readonly firstAckedAtMs: number;
  readonly lastAckedAtMs: number;
}

/** Totals since the start, except `inFlight` and `latencyMs`. */
export interface LoadCounts {
  /** Writes begun. Each is in flight, acknowledged, given up or refused. */
  readonly sent: number;
  readonly acknowledged: number;
  /** Of those, how many were answered as a repetition. */
  readonly replayed: number;
  readonly failedAttempts: number;
  /** Failed attempts by reason: `timeout`, an error code such as `ECONNREFUSED`, or `http-503 OVERLOADED`. */
  readonly failures: Readonly<Record<string, number>>;
  /** When the first and the last of them ended, epoch milliseconds; null before the first. */
  readonly failedFirstAtMs: number | null;
  readonly failedLastAtMs: number | null;
  readonly givenUp: number;
  /** Answered with a 4xx: a mistake of this client, not of the application. */
  readonly refused: number;
  /** Writes not begun because too many were in flight. */
  readonly shed: number;
  readonly inFlight: number;
  readonly bySite: Readonly<Record<string, number>>;
  readonly epochs: readonly Epoch[];
  /** From the first attempt to the acknowledgement, over the last thousand; null before the first. */
  readonly latencyMs: { readonly p50: number; readonly p99: number } | null;
}

/** An acknowledged write that is not there, or not the same. */
export interface MissingWrite {
  readonly key: string;
  readonly orderId: string;
  readonly ackedAtMs: number;
  readonly site: string;
}

export interface ReadbackResult {
  /** Reads with a definite answer, the missing ones included. */
  readonly checked: number;
  /** The first of them; `missingTotal` counts all. */
  readonly missing: readonly MissingWrite[];
  readonly missingTotal: number;
  /** Writes for which no read succeeded. They may be there or not. */
  readonly errors: number;
  /** Writes not asked for: out of time, or older than the ledger in memory. */
  readonly notChecked: number;
  /** Failed attempts by reason, also of reads that succeeded later. */
  readonly failures: Readonly<Record<string, number>>;
}

/** The orders of this load that the application has. */
export interface OrderCensus {
  readonly orders: number;
  readonly fulfilled: number;
  /** Still to be fulfilled. */
  readonly waiting: number;
  readonly setAside: number;
  /** Keys that made more than one order: the first of them; `doubledTotal` counts all. */
  readonly doubled: readonly string[];
  readonly doubledTotal: number;
  /** False if not every page could be read. */
  readonly complete: boolean;
}

export type LoadEvent =
  | { readonly event: "ready" }
  | ({ readonly event: "counts"; readonly atMs: number } & LoadCounts)
  /** The name has another address now. */
  | { readonly event: "moved"; readonly atMs: number; readonly address: string }
  /** The first write acknowledged by a site in a generation. */
  | {
      readonly event: "first-acknowledged";
      readonly atMs: number;
      readonly site: string;
      readonly generation: number;
    }
  /** After `stop`, once nothing is in flight any more. */
  | { readonly event: "stopped"; readonly atMs: number }
  | ({ readonly event: "readback" } & ReadbackResult)
  | ({ readonly event: "census" } & OrderCensus)
  | { readonly event: "error"; readonly message: string };

/** The command in `line`. @throws {CloudPhoenixError} `BAD_REQUEST` */
export function parseCommand(line: string): LoadCommand {
  const fields = fieldsOf(line);
  const { command, baseUrl, timeoutMs } = fields;
  switch (command) {
    case "start":
    case "stop":
    case "census":
    case "quit":
      return { command };
  }
  if (command !== "readback") throw badCommand(`unknown command ${JSON.stringify(command)}`);
  if (baseUrl !== undefined && (typeof baseUrl !== "string" || !URL.canParse(baseUrl))) {
    throw badCommand("baseUrl must be a URL");
  }
  if (timeoutMs !== undefined && (typeof timeoutMs !== "number" || !(timeoutMs > 0))) {
    throw badCommand("timeoutMs must be a number above 0");
  }
  return {
    command,
    ...(baseUrl !== undefined && { baseUrl }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}

function fieldsOf(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null) return { ...value };
  } catch (error) {
    throw badCommand(messageOf(error));
  }
  throw badCommand("a command is a JSON object");
}

function badCommand(what: string): CloudPhoenixError {
  return new CloudPhoenixError("BAD_REQUEST", `not a command: ${what}`, { retryable: false });
}
