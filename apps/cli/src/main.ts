/** Entry point of the `cloudphoenix` command. */
import { CommanderError } from "commander";
import { processContext } from "./command-context.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import { buildProgram } from "./program.ts";

try {
  await buildProgram(processContext(process.env)).parseAsync(process.argv);
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Commander has written what is wrong with the command line; scripts tell by the exit code.
  process.exitCode = error.exitCode === 0 ? EXIT_CODES.done : EXIT_CODES.usage;
}
