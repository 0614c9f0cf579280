import { attachWorld, FAULT_NAMES, FAULTS, type FaultName } from "@cloudphoenix/sandbox";
import { type Command, InvalidArgumentError } from "commander";
import type { CommandContext } from "../command-context.ts";
import { confirmTyped } from "../confirm.ts";
import { sandboxDirectory } from "../connection.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { textTable } from "../render/text-table.ts";

/** `cloudphoenix break`: causes a fault in the running sandbox. */
export function registerBreak(program: Command, context: CommandContext): void {
  program
    .command("break")
    .description("Cause a fault in the running sandbox; without a name, list the faults.")
    .argument("[fault]", FAULT_NAMES.join(", "), faultOf)
    .option("--site <site>", "where (default: the active site)")
    .option("--yes", "do not ask for the typed confirmation")
    .action(
      async (
        fault: FaultName | undefined,
        given: { site?: string; yes?: boolean },
        command: Command,
      ) => {
        await context.invoke(command, async ({ terminal, options, signal }) => {
          if (fault === undefined) {
            const list = FAULT_NAMES.map((name) => ({
              name,
              what: FAULTS[name].description,
              reaction: FAULTS[name].rightReaction,
            }));
            const rows = list.map(({ name, what, reaction }) => [name, what, reaction]);
            terminal.result(list, textTable(["FAULT", "WHAT", "RIGHT REACTION"], rows).join("\n"));
            return EXIT_CODES.done;
          }
          const directory = sandboxDirectory(options);
          const world = await attachWorld({ name: options.name, directory });
          if (given.yes !== true) await confirmTyped(fault, signal);
          const atWork = await world.breakIt(fault, given.site);
          terminal.result(
            atWork,
            `${fault} is at work. Watch: cloudphoenix status --watch. Mend: cloudphoenix mend ${fault}`,
          );
          return EXIT_CODES.done;
        });
      },
    );
}

/** `cloudphoenix mend`: takes faults back. */
export function registerMend(program: Command, context: CommandContext): void {
  program
    .command("mend")
    .description("Take back one fault of the running sandbox, or all of them.")
    .argument("[fault]", FAULT_NAMES.join(", "), faultOf)
    .action(async (fault: FaultName | undefined, _given: unknown, command: Command) => {
      await context.invoke(command, async ({ terminal, options }) => {
        const directory = sandboxDirectory(options);
        const world = await attachWorld({ name: options.name, directory });
        const mended = await world.mend(fault);
        const names = mended.map((one) => one.fault).join(", ");
        terminal.result(mended, names === "" ? "Nothing was broken." : `Mended: ${names}.`);
        return EXIT_CODES.done;
      });
    });
}

function faultOf(text: string): FaultName {
  const fault = FAULT_NAMES.find((name) => name === text);
  if (fault === undefined) throw new InvalidArgumentError(`use one of: ${FAULT_NAMES.join(", ")}`);
  return fault;
}
