import type { Decision } from "@cloudphoenix/core";
import type { Command } from "commander";
import type { CommandContext } from "../command-context.ts";
import { connect } from "../connection.ts";
import { EXIT_CODES } from "../exit-codes.ts";

/** `cloudphoenix explain`: why it acts, or why it does not. */
export function registerExplain(program: Command, context: CommandContext): void {
  program
    .command("explain")
    .description(
      "Explain the current decision: what was seen, from where, what blocks, what would change it.",
    )
    .action(async (_options: unknown, command: Command) => {
      await context.invoke(command, async ({ terminal, options }) => {
        const api = await connect(options, process.env);
        const answer = await api.send<{ text: string; decision: Decision }>("/v1/explain");
        terminal.result(answer, answer.text);
        return EXIT_CODES.done;
      });
    });
}
