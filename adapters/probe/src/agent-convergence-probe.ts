/** Asks agents where clients near them end up. */
import { messageOf } from "@cloudphoenix/core";
import type { ConvergenceProbe, ConvergenceSample } from "@cloudphoenix/engine";
import { type AgentAddress, askAgent, readConvergence } from "./agent-api.ts";

export interface AgentConvergenceOptions {
  readonly agents: readonly { readonly vantage: string; readonly agent: AgentAddress }[];
  /** Limit of one sample. @default 3000 */
  readonly timeoutMs?: number;
}

/** One sample per agent, asked at once. An agent that does not answer is a sample without a site. */
export class AgentConvergenceProbe implements ConvergenceProbe {
  readonly #options: AgentConvergenceOptions;

  constructor(options: AgentConvergenceOptions) {
    this.#options = options;
  }

  async sample(signal: AbortSignal): Promise<readonly ConvergenceSample[]> {
    const { agents, timeoutMs = 3000 } = this.#options;
    return Promise.all(
      agents.map(async ({ vantage, agent }): Promise<ConvergenceSample> => {
        try {
          const answer = readConvergence(
            await askAgent(agent, "/v1/convergence", { timeoutMs, signal }),
          );
          return {
            vantage,
            ...(answer ?? { site: null, detail: "what answered is not an agent" }),
          };
        } catch (error) {
          return { vantage, site: null, detail: messageOf(error).slice(0, 200) };
        }
      }),
    );
  }
}
