/** The agent's HTTP API as its client sees it: what is asked, and what is believed of the answers. */
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { CloudPhoenixError, messageOf, type Status } from "@cloudphoenix/core";
import { plainDetail } from "./probe-target.ts";

const BODY_BYTES_MAX = 1_048_576;

export interface AgentAddress {
  /** Base URL without a trailing slash. */
  readonly url: string;
  readonly token: string;
}

/** One observation as an agent hands it over: its age, because clocks of hosts differ. */
interface AgedObservation {
  readonly signal: string;
  readonly status: Status;
  readonly detail: string;
  readonly latencyMs: number | null;
  readonly ageMs: number;
}

/** What an agent answers to `/v1/observations`: written by the agent, read by `readPage`. */
export interface ObservationPage {
  /** Where the next question goes on. */
  readonly next: number;
  readonly observations: readonly AgedObservation[];
  readonly sight: { readonly sees: boolean; readonly ageMs: number } | null;
  /** How long the agent held the question open; 0 if it does not say. */
  readonly heldMs: number;
}

/** Limits of one question; `connection` keeps the connection for the next, else it is closed. */
export interface AskLimits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly connection?: HttpAgent;
}

/** One kept connection to an agent. Whoever makes it destroys it. */
export function connectionTo(agent: AgentAddress): HttpAgent {
  const options = { keepAlive: true, maxSockets: 1 };
  return agent.url.startsWith("https:") ? new HttpsAgent(options) : new HttpAgent(options);
}

/** GET with a deadline. @throws {CloudPhoenixError} `UNREACHABLE`, `UNAUTHORIZED`, `ABORTED` */
export async function askAgent(
  agent: AgentAddress,
  path: string,
  limits: AskLimits,
): Promise<unknown> {
  const deadline = AbortSignal.timeout(limits.timeoutMs);
  const signal = AbortSignal.any([limits.signal, deadline]);
  try {
    return await getJson(agent, path, { signal, agent: limits.connection ?? false });
  } catch (error) {
    if (error instanceof CloudPhoenixError) throw error;
    if (limits.signal.aborted) {
      const details = { retryable: false, cause: error };
      throw new CloudPhoenixError(
        "ABORTED",
        `the question to ${agent.url} was called off`,
        details,
      );
    }
    const reason = deadline.aborted ? `no answer within ${limits.timeoutMs} ms` : messageOf(error);
    throw new CloudPhoenixError("UNREACHABLE", `the agent at ${agent.url}: ${reason}`, {
      retryable: true,
      hint: "Check that the agent runs and that this address leads to it.",
      cause: error,
    });
  }
}

function getJson(
  agent: AgentAddress,
  path: string,
  options: { readonly signal: AbortSignal; readonly agent: HttpAgent | false },
): Promise<unknown> {
  const url = new URL(`${agent.url}${path}`);
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${agent.token}` };
    const sent = request(url, { headers, ...options }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("error", reject);
      response.on("data", (chunk: string) => {
        body += chunk;
        if (body.length > BODY_BYTES_MAX) sent.destroy(new Error("the answer is too long"));
      });
      response.on("end", () => {
        if (response.statusCode === 200) resolve(parse(body));
        else reject(refused(agent, response.statusCode ?? 0));
      });
    });
    sent.on("error", reject);
    sent.end();
  });
}

/** Null if this is not a page of observations. Entries that are not observations are left out. */
export function readPage(value: unknown): ObservationPage | null {
  if (!isRecord(value) || !isCount(value["next"]) || !Array.isArray(value["observations"])) {
    return null;
  }
  const sight = value["sight"];
  return {
    next: value["next"],
    observations: value["observations"].flatMap(readObservation),
    sight:
      isRecord(sight) && typeof sight["sees"] === "boolean" && isCount(sight["ageMs"])
        ? { sees: sight["sees"], ageMs: sight["ageMs"] }
        : null,
    heldMs: isCount(value["heldMs"]) ? value["heldMs"] : 0,
  };
}

/** The answer of `/v1/convergence`; null if it is not one. */
export function readConvergence(
  value: unknown,
): { readonly site: string | null; readonly detail: string } | null {
  if (!isRecord(value)) return null;
  const { site, detail } = value;
  if (site !== null && typeof site !== "string") return null;
  return { site, detail: plainDetail(typeof detail === "string" ? detail : "") };
}

function readObservation(value: unknown): readonly AgedObservation[] {
  if (!isRecord(value)) return [];
  const { signal, status, detail, latencyMs, ageMs } = value;
  if (typeof signal !== "string" || !isStatus(status) || !isCount(ageMs)) return [];
  return [
    {
      signal,
      status,
      detail: plainDetail(typeof detail === "string" ? detail : ""),
      latencyMs: isCount(latencyMs) ? latencyMs : null,
      ageMs,
    },
  ];
}

function parse(body: string): unknown {
  try {
    const value: unknown = JSON.parse(body);
    return value;
  } catch {
    return null;
  }
}

function refused(agent: AgentAddress, statusCode: number): CloudPhoenixError {
  if (statusCode === 401 || statusCode === 403) {
    return new CloudPhoenixError("UNAUTHORIZED", `the agent at ${agent.url} refused our token`, {
      retryable: false,
      hint: "Give the agent and the controller the same token file.",
    });
  }
  return new CloudPhoenixError("UNREACHABLE", `the agent at ${agent.url} said HTTP ${statusCode}`, {
    retryable: true,
    hint: "Look at the log of the agent.",
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function isStatus(value: unknown): value is Status {
  return (
    value === "healthy" || value === "degraded" || value === "unhealthy" || value === "unknown"
  );
}
