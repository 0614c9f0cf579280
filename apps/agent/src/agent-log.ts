/** JSON logs of the agent: one line per event. */
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";

export interface AgentLogOptions {
  readonly level: string;
  readonly vantage: string;
  /** Default: the standard output. */
  readonly destination?: DestinationStream;
}

/** Time, level and origin are called as in the logs of the controller and the services. */
export function openAgentLog({ level, vantage, destination }: AgentLogOptions): Logger {
  const options = {
    level,
    base: { service: "agent", vantage },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
