/** Stays with a run until it has ended, printing its journal as it grows. */
import { setTimeout as sleep } from "node:timers/promises";
import { FINAL_RUN_STATUSES, hasCode, type RunRecord } from "@cloudphoenix/core";
import type { ApiClient } from "./api-client.ts";
import type { Invocation } from "./command-context.ts";
import { EXIT_CODES, type ExitCode } from "./exit-codes.ts";
import { cancelCommands } from "./render/next-commands.ts";
import { eventLines, type RunView, runText } from "./render/run-text.ts";

const POLL_MS = 250;
const APPEARS_WITHIN_MS = 5_000;

/**
 * Follows run `id` and answers with the exit code for how it ended. Returns early, with the
 * commands to type next, when the run waits for a person. Ctrl-C stops following, not the run, and
 * says so.
 */
export async function followRun(
  api: ApiClient,
  id: string,
  { terminal, signal }: Invocation,
): Promise<ExitCode> {
  let printed = 0;
  let view: RunView | null = null;
  try {
    for (;;) {
      signal.throwIfAborted();
      view = await startedRun(api, id, signal);
      for (const line of eventLines(view.events.slice(printed))) terminal.progress(line);
      printed = view.events.length;
      const code = endOf(view.run);
      if (code !== undefined) {
        terminal.result(view, runText(view, terminal.paint));
        return code;
      }
      await sleep(POLL_MS, undefined, { signal });
    }
  } catch (error) {
    if (signal.aborted) terminal.log("warn", goesOnText(id, view));
    throw error;
  }
}

function goesOnText(id: string, view: RunView | null): string {
  const [cancel] = view === null ? [`run cancel ${id} --reason "…"`] : cancelCommands(view.run);
  const stop = cancel === undefined ? "" : ` Stop it: cloudphoenix ${cancel}`;
  return `Run ${id} goes on. Follow it again: cloudphoenix run show ${id} --follow.${stop}`;
}

/**
 * The run, once it is on record: a run that was just ordered appears a moment later.
 * @throws {CloudPhoenixError} `NOT_FOUND` if it does not
 */
export async function startedRun(
  api: ApiClient,
  id: string,
  signal: AbortSignal,
): Promise<RunView> {
  const untilMs = Date.now() + APPEARS_WITHIN_MS;
  for (;;) {
    try {
      return await api.send<RunView>(`/v1/runs/${encodeURIComponent(id)}`);
    } catch (error) {
      if (!hasCode(error, "NOT_FOUND") || Date.now() > untilMs) throw error;
      await sleep(POLL_MS, undefined, { signal });
    }
  }
}

function endOf(run: RunRecord): ExitCode | undefined {
  if (run.status === "waiting-approval" || run.status === "needs-attention") {
    return EXIT_CODES.needsPerson;
  }
  if (!FINAL_RUN_STATUSES.includes(run.status)) return undefined;
  if (run.status === "completed") return EXIT_CODES.done;
  if (run.status === "undone") return EXIT_CODES.undone;
  return run.status === "stuck" ? EXIT_CODES.needsPerson : EXIT_CODES.failed;
}
