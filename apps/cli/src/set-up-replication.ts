/** Setting replication up by hand: show what it will make, have it confirmed, order it, follow it. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { ApiClient } from "./api-client.ts";
import type { Invocation } from "./command-context.ts";
import { confirmTyped } from "./confirm.ts";
import { connect } from "./connection.ts";
import { EXIT_CODES, type ExitCode } from "./exit-codes.ts";
import { operatorName } from "./operator-name.ts";
import {
  type SetupDocument,
  setupEndText,
  type SetupPreviewDocument,
  setupPreviewText,
  setupProgressText,
  setupUnseenText,
} from "./render/setup-text.ts";

/** What a person says about the set-up. */
export interface SetupWish {
  readonly to?: string;
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly by?: string;
  readonly detach?: boolean;
}

/** Two catalogs are read whole, and both sites must answer. */
const PREVIEW_WITHIN_MS = 35_000;
const POLL_MS = 500;
/** A controller that restarts, or another one that takes over, is back long before. */
const CONTROLLER_BACK_WITHIN_MS = 60_000;

/**
 * Prints what would be made, wants the standby typed unless `yes`, orders it and stays with it, also
 * if nothing is known to be missing: set-up looks at more than the preview, and leaves what is well
 * as it is. One that is under way for the same site is followed instead. Ctrl-C stops following, not
 * the set-up.
 * @throws {CloudPhoenixError} `REPLICATION_PREFLIGHT` with every problem, `APPROVAL_REQUIRED`
 */
export async function setUpReplication(
  invocation: Invocation,
  given: SetupWish,
): Promise<ExitCode> {
  const { terminal, options, signal } = invocation;
  const api = await connect(options, process.env);
  if (given.dryRun !== true) {
    const { setup } = await newest(api);
    // One for another site is none of ours: the controller says that it stands in the way.
    if (setup?.status === "running" && (given.to ?? setup.to) === setup.to) {
      terminal.progress(`A set-up is under way, ordered by ${setup.by}; this one joins it.`);
      return await stay(api, setup, given, invocation);
    }
  }
  const target = given.to === undefined ? {} : { to: given.to };
  const preview = await api.send<SetupPreviewDocument>("/v1/replication/setup/preview", {
    method: "POST",
    body: target,
    timeoutMs: PREVIEW_WITHIN_MS,
  });
  const text = setupPreviewText(preview, terminal.paint);
  const { problems } = preview;
  if (given.dryRun === true) {
    terminal.result(preview, text);
    return problems.length === 0 ? EXIT_CODES.done : EXIT_CODES.needsPerson;
  }
  terminal.progress(text);
  refuseProblems(problems);
  const { reason } = given;
  if (reason === undefined) throw noReason();
  if (given.yes !== true) await confirmTyped(preview.to, signal);
  const { setup } = await api.send<{ setup: SetupDocument }>("/v1/replication/setup", {
    method: "POST",
    idempotencyKey: randomUUID(),
    body: { to: preview.to, reason, by: operatorName(given.by) },
    timeoutMs: PREVIEW_WITHIN_MS,
  });
  return stay(api, setup, given, invocation);
}

async function stay(
  api: ApiClient,
  setup: SetupDocument,
  { detach }: SetupWish,
  { terminal, signal }: Invocation,
): Promise<ExitCode> {
  if (detach === true) {
    terminal.result({ setup }, `${GOES_ON} See: cloudphoenix replicate status`);
    return EXIT_CODES.done;
  }
  try {
    const ended = await untilEnded(api, setup, (line) => terminal.progress(line), signal);
    if (ended === null) {
      terminal.result({ setup: null }, setupUnseenText(setup));
      return EXIT_CODES.needsPerson;
    }
    terminal.result({ setup: ended }, setupEndText(ended));
    if (ended.status === "done") return EXIT_CODES.done;
    return ended.status === "failed" ? EXIT_CODES.failed : EXIT_CODES.needsPerson;
  } catch (error) {
    terminal.log("warn", `${GOES_ON} The same command follows it again.`);
    throw error;
  }
}

const GOES_ON = "The set-up goes on in the controller.";

/** @returns null if it ended unseen, because another set-up has begun since */
async function untilEnded(
  api: ApiClient,
  first: SetupDocument,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<SetupDocument | null> {
  let said = "";
  let seenAtMs = Date.now();
  for (let setup = first; ; ) {
    if (setup.id !== first.id) return null;
    if (setup.status !== "running") return setup;
    const line = setupProgressText(setup);
    if (line !== said) say(line);
    said = line;
    await sleep(POLL_MS, undefined, { signal });
    try {
      setup = (await newest(api)).setup ?? setup;
      seenAtMs = Date.now();
    } catch (error) {
      const late = Date.now() - seenAtMs > CONTROLLER_BACK_WITHIN_MS;
      if (late || !(error instanceof CloudPhoenixError && error.retryable)) throw error;
    }
  }
}

function newest(api: ApiClient): Promise<{ readonly setup: SetupDocument | null }> {
  return api.send<{ setup: SetupDocument | null }>("/v1/replication/setup");
}

function refuseProblems(problems: SetupPreviewDocument["problems"]): void {
  if (problems.length === 0) return;
  const lines = problems.map(({ rule, sentence }) => `\n  ${rule}: ${sentence}`);
  throw new CloudPhoenixError(
    "REPLICATION_PREFLIGHT",
    `replication cannot be set up:${lines.join("")}`,
    {
      retryable: false,
      hint: "Correct every point of the list (docs/runbooks/move-blocked.md), then set up again.",
    },
  );
}

function noReason(): CloudPhoenixError {
  return new CloudPhoenixError("BAD_REQUEST", "a set-up wants a reason for the audit log", {
    retryable: false,
    hint: "Add --reason TEXT, or --dry-run to look only.",
  });
}
