/** The agent as a process. Ends on SIGTERM or SIGINT; bad input is one clear error and exit code 2. */
import { loadConfiguration, readSecretFile } from "@cloudphoenix/config";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { LeaseRound } from "@cloudphoenix/engine";
import type { Logger } from "pino";
import { type AgentArguments, readArguments } from "./agent-arguments.ts";
import { openAgentLog } from "./agent-log.ts";
import { type RunningAgent, startAgent } from "./start-agent.ts";

/** A process that has not ended by then is made to. */
const SHUTDOWN_MAX_MS = 5000;

try {
  const args = readArguments(process.argv.slice(2));
  const logger = openAgentLog({ level: args.logLevel, vantage: args.vantage });
  const agent = await start(args, logger);
  logger.info({ port: agent.port, targets: agent.targets }, "watching");
  endOnSignals(agent, logger);
} catch (error) {
  if (!(error instanceof CloudPhoenixError)) throw error;
  const hint = error.hint === undefined ? "" : `\n${error.hint}`;
  process.stderr.write(`agent cannot start: ${error.message}${hint}\n`);
  process.exitCode = 2;
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

/** First signal: close in order. Second signal, or the deadline: leave at once. */
function endOnSignals(agent: RunningAgent, logger: Logger): void {
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    signals += 1;
    if (signals > 1) process.exit(1);
    logger.info({ signal }, "stopping");
    setTimeout(() => {
      logger.error("stopping took too long");
      process.exit(1);
    }, SHUTDOWN_MAX_MS).unref();
    void agent.close().then(() => logger.info("stopped"));
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}
