/** The command line: global options and every command. */
import { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { registerBreak, registerMend } from "./commands/break.ts";
import { registerConfig } from "./commands/config.ts";
import { registerDemo } from "./commands/demo.ts";
import { registerDoctor } from "./commands/doctor.ts";
import { registerExplain } from "./commands/explain.ts";
import { registerFailover, registerHeal } from "./commands/failover.ts";
import { registerFailback } from "./commands/failback.ts";
import { registerPlan } from "./commands/plan.ts";
import { registerQuarantine } from "./commands/quarantine.ts";
import { registerReplicate } from "./commands/replicate.ts";
import { registerRun } from "./commands/run.ts";
import { registerRuns } from "./commands/runs.ts";
import { registerStart, registerStop } from "./commands/start.ts";
import { registerStatus } from "./commands/status.ts";
import { registerVersion } from "./commands/version.ts";
import { PRODUCT_VERSION } from "./product-version.ts";
import { LOG_LEVELS } from "./terminal.ts";

/** The whole command, ready to parse; `context` decides what invoking a command means. */
export function buildProgram(context: CommandContext): Command {
  const program = new Command("cloudphoenix")
    .description("Keeps an application alive when a region, or a whole cloud, fails.")
    .version(PRODUCT_VERSION)
    .option("--json", "print the result as JSON on standard output")
    .option("--quiet", "print results and errors only")
    .option("--no-color", "no colour (also: NO_COLOR)")
    .option("--log-file <file>", "append everything said, as JSON lines")
    .option("--log-level <level>", `how much to say: ${LOG_LEVELS.join(", ")}`, "info")
    .option("--config <file>", "the controller's configuration file, to find its API")
    .option("--url <url>", "the controller's API (also: CLOUDPHOENIX_URL)")
    .option("--token-file <file>", "file with the API token (also: CLOUDPHOENIX_TOKEN_FILE)")
    .option("--name <sandbox>", "which sandbox is meant", "default")
    .option("--dir <folder>", "folder of the sandboxes (default: .cloudphoenix)")
    .exitOverride()
    .showHelpAfterError("(cloudphoenix --help lists the commands)")
    .showSuggestionAfterError();
  for (const register of COMMANDS) register(program, context);
  return program;
}

/** In the order of the help. */
const COMMANDS: readonly ((program: Command, context: CommandContext) => void)[] = [
  registerDemo,
  registerStart,
  registerStop,
  registerStatus,
  registerExplain,
  registerPlan,
  registerFailover,
  registerHeal,
  registerQuarantine,
  registerFailback,
  registerRuns,
  registerRun,
  registerBreak,
  registerMend,
  registerReplicate,
  registerDoctor,
  registerConfig,
  registerVersion,
];
