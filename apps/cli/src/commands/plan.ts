import type { PlanKind } from "@cloudphoenix/core";
import type { Command } from "commander";
import type { CommandContext } from "../command-context.ts";
import { connect } from "../connection.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { planKindOf } from "../plan-kind.ts";
import { sitesOf } from "../start-run.ts";
import { type DryRunView, dryRunText } from "../render/dry-run-text.ts";

/** `cloudphoenix plan <kind>`: a dry run; it never changes anything. */
export function registerPlan(program: Command, context: CommandContext): void {
  program
    .command("plan")
    .description("Show what a plan would do now, step by step, and every guard. Changes nothing.")
    .argument("<kind>", "heal, region, dr, switchover, rollback, rejoin or failback", planKindOf)
    .option("--to <site>", "the site to move to (default: the one the policy would choose)")
    .option(
      "--from <site>",
      "rollback only: the site that the move to be undone went to (default: the one the runs tell of)",
    )
    .option("--dry-run", "accepted for clarity; a plan is always a dry run")
    .action(async (kind: PlanKind, given: { to?: string; from?: string }, command: Command) => {
      await context.invoke(command, async ({ terminal, options }) => {
        const api = await connect(options, process.env);
        const view = await api.send<DryRunView>("/v1/plans", {
          method: "POST",
          body: { kind, ...sitesOf(given) },
        });
        terminal.result(view, dryRunText(view, terminal.paint));
        const blocked =
          view.findings.length > 0 || view.guards.some((guard) => guard.outcome === "block");
        return blocked ? EXIT_CODES.needsPerson : EXIT_CODES.done;
      });
    });
}
