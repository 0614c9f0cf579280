/** Entry point of the `cloudphoenix` command. */
import { processContext } from "./command-context.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import { buildProgram } from "./program.ts";

const program = buildProgram(processContext(process.env));

// Commander writes its own one-line usage errors; scripts tell them by the exit code.
program.exitOverride((error) => {
  process.exit(error.exitCode === 0 ? EXIT_CODES.done : EXIT_CODES.usage);
});

await program.parseAsync(process.argv);
