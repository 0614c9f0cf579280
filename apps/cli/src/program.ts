/** The command line with every command. */
import type { Command } from "commander";
import { bareProgram } from "./bare-program.ts";
import type { CommandContext } from "./command-context.ts";
import { registerBreak, registerMend } from "./commands/break.ts";
import { registerConfig } from "./commands/config.ts";
import { registerDemo } from "./commands/demo.ts";
import { registerDoctor } from "./commands/doctor.ts";
import { registerExplain } from "./commands/explain.ts";
import { registerFailover, registerHeal } from "./commands/failover.ts";
import { registerFailback } from "./commands/failback.ts";
import { registerMaintenance } from "./commands/maintenance.ts";
import { registerPlan } from "./commands/plan.ts";
import { registerQuarantine } from "./commands/quarantine.ts";
import { registerReplicate } from "./commands/replicate.ts";
import { registerRollback } from "./commands/rollback.ts";
import { registerRun } from "./commands/run.ts";
import { registerRuns } from "./commands/runs.ts";
import { registerStart, registerStop } from "./commands/start.ts";
import { registerSync } from "./commands/sync.ts";
import { registerStatus } from "./commands/status.ts";
import { registerVersion } from "./commands/version.ts";
import { registerWorker } from "./commands/worker.ts";

/** The whole command, ready to parse; `context` decides what invoking a command means. */
export function buildProgram(context: CommandContext): Command {
  const program = bareProgram();
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
  registerRollback,
  registerFailback,
  registerRuns,
  registerRun,
  registerMaintenance,
  registerBreak,
  registerMend,
  registerReplicate,
  registerSync,
  registerWorker,
  registerDoctor,
  registerConfig,
  registerVersion,
];
