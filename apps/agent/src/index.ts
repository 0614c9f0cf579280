export { type AgentSettings, type RunningAgent, startAgent } from "./start-agent.ts";
