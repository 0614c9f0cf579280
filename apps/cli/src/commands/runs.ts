import type { RunRecord } from "@cloudphoenix/core";
import { type Command, InvalidArgumentError } from "commander";
import type { CommandContext } from "../command-context.ts";
import { connect } from "../connection.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { runListText } from "../render/run-text.ts";

/** `cloudphoenix runs`: what was done, newest first. */
export function registerRuns(program: Command, context: CommandContext): void {
  program
    .command("runs")
    .description("List the runs, newest first.")
    .option("--limit <n>", "how many at most (1 to 200)", limitOf, 20)
    .action(async (given: { limit: number }, command: Command) => {
      await context.invoke(command, async ({ terminal, options }) => {
        const api = await connect(options, process.env);
        const { runs } = await api.send<{ runs: RunRecord[] }>(`/v1/runs?limit=${given.limit}`);
        terminal.result({ runs }, runListText(runs));
        return EXIT_CODES.done;
      });
    });
}

function limitOf(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= 200) return limit;
  throw new InvalidArgumentError("give a whole number from 1 to 200");
}
