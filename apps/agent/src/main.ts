/** The agent as a process. */
import { loadConfiguration, readSecretFile } from "@cloudphoenix/config";
import type { LeaseRound } from "@cloudphoenix/engine";
import { exitCodeFor, explain, openLog, stopOnSignals } from "@cloudphoenix/process";
import type { Logger } from "pino";
import { type AgentArguments, readArguments } from "./agent-arguments.ts";
import { type RunningAgent, startAgent } from "./start-agent.ts";

try {
  const args = readArguments(process.argv.slice(2));
  const logger = openLog({
    level: args.logLevel,
    file: args.logFile,
    base: { service: "agent", vantage: args.vantage },
  });
  const agent = await start(args, logger);
  logger.info({ port: agent.port, targets: agent.targets }, "watching");
  stopOnSignals(() => agent.close(), logger);
} catch (error) {
  explain(error);
  process.exit(exitCodeFor(error));
}

async function start(args: AgentArguments, logger: Logger): Promise<RunningAgent> {
  return startAgent({
    configuration: await loadConfiguration(args.config, { environment: process.env }),
    vantage: args.vantage,
    listen: args.listen,
    token: await readSecretFile(args.tokenFile),
    onTrouble: (error) => logger.error({ err: error }, "the agent failed"),
    onLease: (round) => logger[levelOf(round)](round, `lease ${round.kind}`),
  });
}

/** A lease that is not renewed will stop the site's writes: that is worth a warning. */
function levelOf({ kind }: LeaseRound): "info" | "warn" {
  return kind === "renewed" || kind === "standing-by" ? "info" : "warn";
}
