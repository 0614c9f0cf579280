import { loadConfiguration, renderProblems } from "@cloudphoenix/config";
import type { Command } from "commander";
import type { CommandContext } from "../command-context.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { registerConfigFromTerraform } from "./config-from-terraform.ts";

/** `cloudphoenix config`: `check` names every mistake of a file at once, `from-terraform` makes one. */
export function registerConfig(program: Command, context: CommandContext): void {
  const config = program.command("config").description("Work with the configuration file.");
  config
    .command("check")
    .description(
      "Check a configuration file and name every mistake with line, column and suggestion.",
    )
    .argument("<file>", "the YAML file")
    .action(async (file: string, _given: unknown, command: Command) => {
      await context.invoke(command, async ({ terminal }) => {
        const configuration = await loadConfiguration(file, { environment: process.env });
        const { application, sites, signals, vantages, warnings } = configuration;
        terminal.result(
          { ok: true, warnings },
          [
            `${file} is valid: application ${application.name}, ${sites.length} sites, ${signals.length} signals from ${vantages.length} vantages.`,
            ...(warnings.length === 0 ? [] : [renderProblems(warnings)]),
          ].join("\n"),
        );
        return EXIT_CODES.done;
      });
    });
  registerConfigFromTerraform(config, context);
}
