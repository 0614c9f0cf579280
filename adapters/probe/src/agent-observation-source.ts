/**
 * Brings the observations of an agent to the controller by long polling.
 *
 * While the agent cannot be reached nothing is reported: its signals grow stale and count as
 * unknown. Nothing is ever made up for it.
 */
import { CloudPhoenixError, hasCode } from "@cloudphoenix/core";
import type { Clock, ObservationListener, ObservationSource, Random } from "@cloudphoenix/engine";
import {
  type AgentAddress,
  askAgent,
  connectionTo,
  type ObservationPage,
  readPage,
} from "./agent-api.ts";

/** How long the agent may hold a question open, and how much longer its answer may take. */
const WAIT_MS = 2000;
const TRANSIT_MAX_MS = 1500;
const BACKOFF_MIN_MS = 200;
const BACKOFF_MAX_MS = 5000;

export interface AgentSourceOptions {
  readonly vantage: string;
  readonly agent: AgentAddress;
  /** Signals this vantage is configured for; an agent cannot speak for others. */
  readonly signals: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  /** Told once when the agent is lost and once when it is back (null). */
  readonly onTrouble?: (error: CloudPhoenixError | null) => void;
}

/** Long-polls one agent. Starts once. */
export class AgentObservationSource implements ObservationSource {
  readonly #options: AgentSourceOptions;
  readonly #stopping = new AbortController();
  readonly #connection: ReturnType<typeof connectionTo>;
  #running: Promise<void> | null = null;

  constructor(options: AgentSourceOptions) {
    this.#options = options;
    this.#connection = connectionTo(options.agent);
  }

  start(listener: ObservationListener): void {
    if (this.#running !== null) throw new Error("an agent source starts once");
    this.#running = this.#run(listener);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    this.#connection.destroy();
  }

  async #run(listener: ObservationListener): Promise<void> {
    const { signal } = this.#stopping;
    let since = 0;
    let failures = 0;
    while (!signal.aborted) {
      try {
        since = await this.#poll(since, listener);
        if (failures > 0) this.#options.onTrouble?.(null);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof CloudPhoenixError)) throw error;
        failures += 1;
        if (failures === 1) this.#options.onTrouble?.(error);
        await this.#backOff(failures);
      }
    }
  }

  async #poll(since: number, listener: ObservationListener): Promise<number> {
    const { agent, clock } = this.#options;
    const askedAtMs = clock.now();
    const path = `/v1/observations?since=${since}&waitMs=${WAIT_MS}`;
    const limits = {
      timeoutMs: WAIT_MS + TRANSIT_MAX_MS,
      signal: this.#stopping.signal,
      connection: this.#connection,
    };
    const page = readPage(await askAgent(agent, path, limits));
    if (page === null) throw notAnAgent(agent);
    const nowMs = clock.now();
    // What the round trip took beyond the time the agent held the question was spent under way; a
    // delayed answer must not look younger than it is.
    const transitMs = Math.max(0, nowMs - askedAtMs - page.heldMs);
    this.#report(page, nowMs - transitMs, listener);
    return page.next;
  }

  #report(page: ObservationPage, spokenAtMs: number, listener: ObservationListener): void {
    const { signals, vantage } = this.#options;
    for (const { ageMs, ...observation } of page.observations) {
      if (!signals.includes(observation.signal)) continue;
      listener.observed({ ...observation, vantage, atMs: spokenAtMs - ageMs });
    }
    if (page.sight === null) return;
    const { sees, ageMs } = page.sight;
    listener.sighted({ vantage, sees, atMs: spokenAtMs - ageMs });
  }

  /** Doubles up to a cap; half of it is chance, so that many sources do not return at once. */
  async #backOff(failures: number): Promise<void> {
    const { clock, random } = this.#options;
    const capMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(failures - 1, 10));
    try {
      await clock.sleep(capMs / 2 + (random.next() * capMs) / 2, this.#stopping.signal);
    } catch (error) {
      if (!hasCode(error, "ABORTED") && !this.#stopping.signal.aborted) throw error;
    }
  }
}

function notAnAgent(agent: AgentAddress): CloudPhoenixError {
  return new CloudPhoenixError("UNREACHABLE", `what answers at ${agent.url} is not an agent`, {
    retryable: true,
    hint: "Check the address of the agent in the configuration.",
  });
}
