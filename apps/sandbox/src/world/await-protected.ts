/** Waits until the controller says that the application could lose its active site. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";
import type { KeptProcess } from "../process/index.ts";

export interface AwaitProtectedOptions {
  /** APIs of the controllers; the one that leads answers. */
  readonly urls: readonly string[];
  readonly token: string;
  readonly limitMs: number;
  readonly controllers: readonly Pick<KeptProcess, "unaskedEnds" | "logFile">[];
  readonly signal: AbortSignal;
}

/** A controller that ended this often while it starts will not get better by itself. */
const UNASKED_ENDS_MAX = 3;
const ASK_AGAIN_MS = 100;
const ASK_TIMEOUT_MS = 1_000;

/**
 * @throws {CloudPhoenixError} `TIMED_OUT` with the controller's own reason, `INTERNAL` if a
 *   controller keeps ending, `ABORTED`
 */
export async function awaitProtected(options: AwaitProtectedOptions): Promise<void> {
  const giveUpAtMs = performance.now() + options.limitMs;
  let why = "no controller answers";
  while (performance.now() < giveUpAtMs) {
    for (const url of options.urls) {
      const protection = await askProtection(url, options.token);
      if (protection.yes) return;
      why = protection.why;
    }
    const failing = options.controllers.find((each) => each.unaskedEnds >= UNASKED_ENDS_MAX);
    if (failing !== undefined) throw keepsEnding(failing.logFile);
    await sleep(ASK_AGAIN_MS);
    if (options.signal.aborted) throw abortedWhileWaiting(options.signal.reason);
  }
  const { logFile = "" } = options.controllers[0] ?? {};
  throw new CloudPhoenixError(
    "TIMED_OUT",
    `the application is not protected after ${options.limitMs} ms: ${why}${lastLines(logFile)}`,
    { retryable: true, hint: `Read ${logFile}.` },
  );
}

function keepsEnding(logFile: string): CloudPhoenixError {
  const message = `the controller keeps ending${lastLines(logFile)}`;
  return new CloudPhoenixError("INTERNAL", message, {
    retryable: false,
    hint: `Read ${logFile}.`,
  });
}

interface Protection {
  readonly yes: boolean;
  readonly why: string;
}

async function askProtection(url: string, token: string): Promise<Protection> {
  try {
    const answer = await fetch(`${url}/v1/status`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
    });
    const status: { readonly protected?: Protection } = JSON.parse(await answer.text());
    return status.protected ?? { yes: false, why: `the controller answered ${answer.status}` };
  } catch (error) {
    return { yes: false, why: `${url} does not answer (${messageOf(error)})` };
  }
}

function abortedWhileWaiting(cause: unknown): CloudPhoenixError {
  return new CloudPhoenixError("ABORTED", "opening the sandbox was given up", {
    retryable: false,
    cause,
  });
}

function lastLines(logFile: string): string {
  try {
    const lines = readFileSync(logFile, "utf8").trim().split("\n").slice(-3);
    return lines.join("") === "" ? "" : `\n${lines.join("\n")}`;
  } catch {
    return "";
  }
}
