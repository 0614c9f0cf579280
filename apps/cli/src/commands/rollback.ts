import type { Command } from "commander";
import type { CommandContext } from "../command-context.ts";
import { type RunWish, startRun, withRunOptions } from "../start-run.ts";

/** `cloudphoenix rollback`: the way back from a move that never opened writes. */
export function registerRollback(program: Command, context: CommandContext): void {
  const command = program
    .command("rollback")
    .description(
      "Take a move back that was left half-way and never opened writes: stops the site it went to, opens the active site (the one `status` names) and leads users there. Refused where nothing is left half-way; asks for approval in doubt. A run that has not ended is cancelled instead: run cancel.",
    )
    .option(
      "--from <site>",
      "the site that the move to be undone went to (default: the one the runs tell of)",
    );
  withRunOptions(command).action(async () => {
    await context.invoke(command, (invocation) =>
      startRun(invocation, "rollback", command.opts<RunWish>()),
    );
  });
}
