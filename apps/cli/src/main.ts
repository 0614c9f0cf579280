/** Entry point of the `cloudphoenix` command. */
import { CommanderError } from "commander";
import { processContext } from "./command-context.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import { loadProgram } from "./load-program.ts";

try {
  const program = await loadProgram(process.argv, processContext(process.env));
  await program.parseAsync(process.argv);
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Commander has written what is wrong with the command line; scripts tell by the exit code.
  process.exitCode = error.exitCode === 0 ? EXIT_CODES.done : EXIT_CODES.usage;
}
