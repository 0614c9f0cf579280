import type { Command } from "commander";
import type { CommandContext } from "../command-context.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { PRODUCT_VERSION } from "../product-version.ts";

/** `cloudphoenix version`: what is installed and what it runs on. */
export function registerVersion(program: Command, context: CommandContext): void {
  program
    .command("version")
    .description("Print the version of CloudPhoenix and of the Node.js it runs on.")
    .action(async (_options: unknown, command: Command) => {
      await context.invoke(command, async ({ terminal }) => {
        const version = { cloudphoenix: PRODUCT_VERSION, node: process.version };
        terminal.result(version, `cloudphoenix ${version.cloudphoenix} (Node.js ${version.node})`);
        return EXIT_CODES.done;
      });
    });
}
