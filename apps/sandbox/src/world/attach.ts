/** Steers a sandbox that runs in another process. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { CloudPhoenixError, type ErrorCode, type Json } from "@cloudphoenix/core";
import type { FaultName } from "../faults/index.ts";
import { processIdentity } from "../process/index.ts";
import type { FaultAtWork } from "./fault-board.ts";
import { layoutOf } from "./layout.ts";
import { readWorldFile, type WorldFile } from "./world-file.ts";
import type { WorldStatus } from "./world.ts";

/** Mending a lost region starts a database that replays its log. */
const TIMEOUT_MS = 60_000;

/** A running sandbox, from another terminal. Errors are those of the same calls on `World`. */
export interface AttachedWorld {
  readonly file: WorldFile;
  status(): Promise<WorldStatus>;
  breakIt(fault: FaultName, site?: string): Promise<FaultAtWork>;
  mend(fault?: FaultName): Promise<readonly FaultAtWork[]>;
  /** @param impairment - see `readImpairment` */
  impairLinks(pattern: string, impairment: Readonly<Record<string, Json>>): Promise<void>;
  repairLinks(): Promise<void>;
  /** Asks the process that runs it to end everything. */
  stop(): Promise<void>;
}

/**
 * Finds the sandbox `name` in `directory`.
 * @throws {CloudPhoenixError} `NOT_RUNNING` if it does not run
 */
export async function attachWorld(options: {
  readonly name: string;
  readonly directory: string;
}): Promise<AttachedWorld> {
  const asked = resolve(options.directory, options.name);
  // Looking must not make anything: a sandbox that runs has its folder.
  if (!existsSync(asked)) throw notRunning(options.name, asked);
  const layout = await layoutOf(options.directory, options.name);
  const file = readWorldFile(layout.worldFile);
  if (file === null || processIdentity(file.pid) !== file.identity) {
    throw notRunning(options.name, layout.home);
  }
  return {
    file,
    status: () => ask<WorldStatus>(file, "GET", "/v1/world"),
    breakIt: (fault, site) =>
      ask(file, "POST", "/v1/faults", { fault, ...(site !== undefined && { site }) }),
    mend: (fault) => ask(file, "POST", "/v1/faults/mend", fault === undefined ? {} : { fault }),
    impairLinks: (pattern, impairment) => ask(file, "PUT", "/v1/links", { ...impairment, pattern }),
    repairLinks: () => ask(file, "DELETE", "/v1/links"),
    stop: () => ask(file, "POST", "/v1/stop"),
  };
}

function notRunning(name: string, home: string): CloudPhoenixError {
  return new CloudPhoenixError("NOT_RUNNING", `no sandbox called ${name} runs in ${home}`, {
    retryable: false,
    hint: "If you mean production: name its controller with --url and --token-file (docs/runbooks/controller-down.md says how to reach it). For a trial on this machine: `cloudphoenix start`, or --name for another sandbox.",
  });
}

async function ask<T>(file: WorldFile, method: string, path: string, body?: Json): Promise<T> {
  const token = readFileSync(file.controlTokenFile, "utf8").trim();
  const answer = await fetch(`${file.urls.control}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((cause: unknown) => {
    throw new CloudPhoenixError("UNREACHABLE", `the sandbox ${file.name} does not answer`, {
      retryable: true,
      cause,
    });
  });
  const text = await answer.text();
  if (answer.ok) return JSON.parse(text);
  const refusal: { readonly code: ErrorCode; readonly message: string; readonly hint?: string } =
    JSON.parse(text);
  throw new CloudPhoenixError(refusal.code, refusal.message, {
    retryable: false,
    ...(refusal.hint !== undefined && { hint: refusal.hint }),
  });
}
