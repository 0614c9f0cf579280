/** Starting a run by hand: show what it will do, have it confirmed, order it, follow it. */
import { randomUUID } from "node:crypto";
import { CloudPhoenixError, type PlanKind, type RunRecord } from "@cloudphoenix/core";
import type { Command } from "commander";
import type { Invocation } from "./command-context.ts";
import { confirmTyped } from "./confirm.ts";
import { connect } from "./connection.ts";
import { EXIT_CODES, type ExitCode } from "./exit-codes.ts";
import { followRun } from "./follow-run.ts";
import { operatorName } from "./operator-name.ts";
import { type DryRunView, dryRunText } from "./render/dry-run-text.ts";

/** What a person says about the run. */
export interface RunWish {
  readonly to?: string;
  /** Rollback only: where the move to be undone went. */
  readonly from?: string;
  readonly reason: string;
  readonly acceptLoss?: boolean;
  readonly yes?: boolean;
  readonly by?: string;
  readonly detach?: boolean;
}

/** The options every command that starts a run has. */
export function withRunOptions(command: Command): Command {
  return command
    .requiredOption("--reason <text>", "why; kept in the run and the audit log")
    .option("--by <name>", "in whose name (default: your login name)")
    .option("--yes", "do not ask for the typed confirmation")
    .option("--detach", "return as soon as the run has started");
}

/**
 * Prints the plan, wants its target typed unless `yes`, starts it and stays with it.
 * @throws {CloudPhoenixError} `GUARD_BLOCKED` with every blocker, `APPROVAL_REQUIRED`
 */
export async function startRun(
  invocation: Invocation,
  kind: PlanKind,
  given: RunWish,
): Promise<ExitCode> {
  const { terminal, options, signal } = invocation;
  const api = await connect(options, process.env);
  const sites = sitesOf(given);
  const acceptLoss = given.acceptLoss ?? false;
  const preview = await api.send<DryRunView>("/v1/plans", {
    method: "POST",
    body: { kind, ...sites, acceptLoss },
  });
  terminal.progress(dryRunText(preview, terminal.paint));
  refuseBlocked(preview, kind);
  if (given.yes !== true) await confirmTyped(preview.plan?.to ?? kind, signal);
  const { run } = await api.send<{ run: RunRecord }>("/v1/runs", {
    method: "POST",
    idempotencyKey: randomUUID(),
    body: { kind, ...sites, reason: given.reason, acceptLoss, by: operatorName(given.by) },
  });
  terminal.progress(`Started run ${run.id}.`);
  if (given.detach !== true) return await followRun(api, run.id, invocation);
  terminal.result({ run }, `Started run ${run.id}. See: cloudphoenix run show ${run.id}`);
  return EXIT_CODES.done;
}

/** The sites a person named, as the API wants to be told. */
export function sitesOf({ to, from }: Pick<RunWish, "to" | "from">): {
  readonly target?: string;
  readonly from?: string;
} {
  return {
    ...(to === undefined ? {} : { target: to }),
    ...(from === undefined ? {} : { from }),
  };
}

function refuseBlocked({ findings, guards }: DryRunView, kind: PlanKind): void {
  const blocking = guards.filter((guard) => guard.outcome === "block");
  const blockers = [
    ...findings.map((finding) => `${finding.rule}: ${finding.sentence}`),
    ...blocking.map((guard) => `${guard.guard}: ${guard.sentence}`),
  ];
  if (blockers.length === 0) return;
  const loss = blocking.some((guard) => guard.guard === "data-fresh")
    ? " What would be lost can be accepted with --accept-loss; that needs approval."
    : "";
  const idle = blocking.some((guard) => guard.guard === "move-to-undo");
  throw new CloudPhoenixError("GUARD_BLOCKED", `blocked:\n  ${blockers.join("\n  ")}`, {
    retryable: false,
    hint: idle
      ? "Leave it as it is; `cloudphoenix status` says where it runs, `cloudphoenix run cancel` ends a run that has not ended."
      : `Remove what blocks, then look again: \`cloudphoenix plan ${kind}\`.${loss}`,
  });
}
