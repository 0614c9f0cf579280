// What agents see, through their real API, as the controller asks for it. What an agent itself
// finds out is scripted here: its probe passes the same suite in adapters/dns.
import { AgentConvergenceProbe } from "@cloudphoenix/adapter-probe";
import type { ConvergenceProbe } from "@cloudphoenix/engine";
import { describeConvergenceProbe } from "@cloudphoenix/testkit";
import { agentServer } from "../src/agent-server.ts";
import { ObservationLog } from "../src/observation-log.ts";
import { steadyClock } from "../src/system-clock.ts";
import { TOKEN } from "./agent-world.ts";

const HOME = "aws-us-east-1";
const OTHER = "azure-westeurope";
const VANTAGES = ["internet", "azure"] as const;

/** Long enough for a busy machine, short enough for a test that waits until it has passed. */
const TIMEOUT_MS = 1_500;

async function openAgent(
  convergence: ConvergenceProbe,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const stopping = new AbortController();
  const server = agentServer({
    token: TOKEN,
    log: new ObservationLog(steadyClock, 0),
    convergence,
    metrics: () => {
      throw new Error("nobody asks");
    },
    exposition: () => Promise.reject(new Error("nobody asks")),
    office: null,
    stopping: stopping.signal,
    onTrouble: () => {},
  });
  const url = await server.listen({ host: "127.0.0.1", port: 0 });
  return {
    url,
    close: async () => {
      stopping.abort();
      await server.close();
    },
  };
}

describeConvergenceProbe({
  name: "through agents",
  setup: async () => {
    let leadsTo = HOME;
    let homeIsShut = false;
    let speaks = true;
    const agents = await Promise.all(
      VANTAGES.map((vantage) =>
        openAgent({
          sample: async () => {
            if (!speaks) return new Promise(() => {});
            const reached = !(homeIsShut && leadsTo === HOME);
            const detail = reached ? `answered by ${leadsTo}` : "no answer in time";
            return [{ vantage, site: reached ? leadsTo : null, detail }];
          },
        }),
      ),
    );
    const closeAll = async (): Promise<void> => {
      await Promise.all(agents.map((agent) => agent.close()));
    };
    return {
      probe: new AgentConvergenceProbe({
        timeoutMs: TIMEOUT_MS,
        agents: VANTAGES.map((vantage, index) => ({
          vantage,
          agent: { url: agents[index]?.url ?? "", token: TOKEN },
        })),
      }),
      vantages: VANTAGES,
      sites: [HOME, OTHER],
      lead: async (to) => {
        leadsTo = to;
      },
      shut: async () => {
        homeIsShut = true;
      },
      blind: async (how) => {
        if (how === "silent") speaks = false;
        else await closeAll();
      },
      stop: closeAll,
    };
  },
});
