import type { PlanKind } from "@cloudphoenix/core";
import { type Command, InvalidArgumentError } from "commander";
import type { CommandContext } from "../command-context.ts";
import { type RunWish, startRun, withRunOptions } from "../start-run.ts";

const MOVE_KINDS = [
  "dr",
  "region",
  "switchover",
  "rollback",
] as const satisfies readonly PlanKind[];

interface Given extends RunWish {
  readonly kind?: PlanKind;
}

/** `cloudphoenix failover`: move the application now. */
export function registerFailover(program: Command, context: CommandContext): void {
  const command = program
    .command("failover")
    .description(
      "Move the application to another site now. Prints the plan and wants it confirmed. To take a half-done move back: cloudphoenix rollback.",
    )
    .option(
      "--kind <kind>",
      "dr (another cloud) or region (the same cloud), both assume that the active site is lost; switchover: planned, both sites alive, loses nothing, the one for a drill; rollback: as `cloudphoenix rollback`",
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

/** `cloudphoenix heal`: repair a site in place now. */
export function registerHeal(program: Command, context: CommandContext): void {
  const command = program
    .command("heal")
    .description("Repair a site in place now: restart what is not ready.")
    .option("--to <site>", "the site to repair (default: the active one)");
  withRunOptions(command).action(async () => {
    await context.invoke(command, (invocation) =>
      startRun(invocation, "heal", command.opts<Given>()),
    );
  });
}

function moveKindOf(text: string): PlanKind {
  const kind = MOVE_KINDS.find((candidate) => candidate === text);
  if (kind === undefined) throw new InvalidArgumentError(`use one of: ${MOVE_KINDS.join(", ")}`);
  return kind;
}
