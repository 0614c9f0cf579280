import type { Command } from "commander";
import type { CommandContext } from "../command-context.ts";
import { type RunWish, startRun, withRunOptions } from "../start-run.ts";

/** `cloudphoenix failback`: the planned move home. */
export function registerFailback(program: Command, context: CommandContext): void {
  const command = program
    .command("failback")
    .description(
      "Move home, planned, losing nothing: compares both sites, pauses writes for a moment, and makes the former writer the standby.",
    )
    .option("--to <site>", "the site to move to (default: the most preferred one)");
  withRunOptions(command).action(async () => {
    await context.invoke(command, (invocation) =>
      startRun(invocation, "failback", command.opts<RunWish>()),
    );
  });
}
