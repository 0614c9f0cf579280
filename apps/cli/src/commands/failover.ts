import { randomUUID } from "node:crypto";
import { CloudPhoenixError, type PlanKind, type RunRecord } from "@cloudphoenix/core";
import { type Command, InvalidArgumentError } from "commander";
import type { CommandContext, Invocation } from "../command-context.ts";
import { confirmTyped } from "../confirm.ts";
import { connect } from "../connection.ts";
import { EXIT_CODES, type ExitCode } from "../exit-codes.ts";
import { followRun } from "../follow-run.ts";
import { operatorName } from "../operator-name.ts";
import { type DryRunView, dryRunText } from "../render/dry-run-text.ts";

interface Given {
  readonly kind?: PlanKind;
  readonly to?: string;
  readonly reason: string;
  readonly acceptLoss?: boolean;
  readonly yes?: boolean;
  readonly by?: string;
  readonly detach?: boolean;
}

/** `cloudphoenix failover`: move the application now. */
export function registerFailover(program: Command, context: CommandContext): void {
  const command = program
    .command("failover")
    .description(
      "Move the application to another site now. Prints the plan and wants it confirmed.",
    )
    .option(
      "--kind <kind>",
      "dr, region or switchover (planned, both sites alive)",
      moveKindOf,
      "dr",
    )
    .option("--to <site>", "the site to move to (default: the one the policy would choose)")
    .option("--accept-loss", "accept a loss beyond the objective; it still needs approval");
  withRunOptions(command).action(async () => {
    await context.invoke(command, (invocation) => {
      const given = command.opts<Given>();
      return startRun(invocation, given.kind ?? "dr", given);
    });
  });
}

/** `cloudphoenix heal`: repair the active site in place now. */
export function registerHeal(program: Command, context: CommandContext): void {
  const command = program
    .command("heal")
    .description("Repair the active site in place now: restart what is not ready.");
  withRunOptions(command).action(async () => {
    await context.invoke(command, (invocation) =>
      startRun(invocation, "heal", command.opts<Given>()),
    );
  });
}

function withRunOptions(command: Command): Command {
  return command
    .requiredOption("--reason <text>", "why; kept in the run and the audit log")
    .option("--by <name>", "in whose name (default: your login name)")
    .option("--yes", "do not ask for the typed confirmation")
    .option("--detach", "return as soon as the run has started");
}

async function startRun(invocation: Invocation, kind: PlanKind, given: Given): Promise<ExitCode> {
  const { terminal, options, signal } = invocation;
  const api = await connect(options, process.env);
  const target = given.to === undefined ? {} : { target: given.to };
  const acceptLoss = given.acceptLoss ?? false;
  const preview = await api.send<DryRunView>("/v1/plans", {
    method: "POST",
    body: { kind, ...target, acceptLoss },
  });
  terminal.progress(dryRunText(preview, terminal.paint));
  refuseBlocked(preview);
  if (given.yes !== true) await confirmTyped(preview.plan?.to ?? kind, signal);
  const { run } = await api.send<{ run: RunRecord }>("/v1/runs", {
    method: "POST",
    idempotencyKey: randomUUID(),
    body: { kind, ...target, reason: given.reason, acceptLoss, by: operatorName(given.by) },
  });
  terminal.progress(`Started run ${run.id}.`);
  if (given.detach !== true) return await followRun(api, run.id, invocation);
  terminal.result({ run }, `Started run ${run.id}. See: cloudphoenix run show ${run.id}`);
  return EXIT_CODES.done;
}

function refuseBlocked(preview: DryRunView): void {
  const blockers = [
    ...preview.findings.map((finding) => `${finding.rule}: ${finding.sentence}`),
    ...preview.guards
      .filter((guard) => guard.outcome === "block")
      .map((guard) => `${guard.guard}: ${guard.sentence}`),
  ];
  if (blockers.length === 0) return;
  throw new CloudPhoenixError("GUARD_BLOCKED", `blocked:\n  ${blockers.join("\n  ")}`, {
    retryable: false,
    hint: "Remove what blocks; `cloudphoenix explain` shows how it is seen.",
  });
}

function moveKindOf(text: string): PlanKind {
  if (text === "dr" || text === "region" || text === "switchover") return text;
  throw new InvalidArgumentError("use one of: dr, region, switchover");
}
