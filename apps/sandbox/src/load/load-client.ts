/**
 * A client of the application that knows every write it was promised.
 *
 * The load is open: writes begin at a fixed rate whether or not earlier ones were answered, as
 * users do, so that an outage shows as waiting writes and not as a pause in the load.
 */
import type { Clock, Random } from "@cloudphoenix/engine";
import { RetryBudget } from "./backoff.ts";
import { takeCensus } from "./census.ts";
import { AgingAgent, ClientConnections, type NameResolver } from "./client-connections.ts";
import { Ledger, type LedgerEntry } from "./ledger.ts";
import type { LoadConfig } from "./load-config.ts";
import type { LoadEvent, OrderCensus, ReadbackResult } from "./load-protocol.ts";
import { LoadStatistics } from "./load-statistics.ts";
import { keyOf, writeOrder, type WriterParts } from "./order-writer.ts";
import { readBack, type ReadbackParts } from "./readback.ts";

const PACE_EVERY_MS = 5;
/** A process that was held up catches up with this much of its rate; the rest is shed. */
const CATCH_UP_MAX_MS = 1_000;
const READBACK_TIMEOUT_MS = 120_000;
const CENSUS_TIMEOUT_MS = 60_000;

/** What the client is given by whoever runs it. */
interface LoadParts {
  readonly config: LoadConfig;
  readonly resolver: NameResolver;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: (event: LoadEvent) => void;
}

export class LoadClient {
  readonly #parts: LoadParts;
  readonly #statistics = new LoadStatistics();
  readonly #ledger: Ledger;
  readonly #connections: ClientConnections;
  readonly #writer: WriterParts;
  #pacing: NodeJS.Timeout | null = null;
  #reporting: NodeJS.Timeout | null = null;
  #begunUpToMs = 0;
  #next = 1;
  #closed = false;

  constructor(parts: LoadParts) {
    const { config, resolver, clock, random, emit } = parts;
    this.#parts = parts;
    this.#ledger = new Ledger(config.ledgerFile, config.ledgerMax);
    this.#connections = new ClientConnections(resolver, config.name, config, (address) =>
      emit({ event: "moved", atMs: clock.now(), address }),
    );
    this.#writer = {
      config,
      connections: this.#connections,
      budget: new RetryBudget(config.retriesPerSecond),
      clock,
      random,
      onFailedAttempt: (reason) => this.#statistics.attemptFailed(reason, clock.now()),
    };
  }

  /** Begins writing. Starting a started load changes nothing. */
  start(): void {
    if (this.#pacing !== null) return;
    this.#begunUpToMs = performance.now();
    this.#pacing = setInterval(() => this.#pace(), PACE_EVERY_MS);
    this.#reporting ??= setInterval(() => this.#report(), this.#parts.config.eventsEveryMs);
  }

  /** Begins no more writes. `stopped` is told once none is under way, which may be at once. */
  stop(): void {
    if (this.#pacing !== null) clearInterval(this.#pacing);
    this.#pacing = null;
    if (this.#statistics.inFlight === 0) this.#stopped();
  }

  /**
   * Reads every acknowledged write back.
   * @param from.baseUrl - where; default: wherever the name points
   */
  async readback(from: {
    readonly baseUrl?: string;
    readonly timeoutMs?: number;
  }): Promise<ReadbackResult> {
    const { config } = this.#parts;
    const common = this.#readingFor(from.timeoutMs ?? READBACK_TIMEOUT_MS);
    const entries = this.#ledger.entries();
    const olderOnes = this.#ledger.dropped;
    const result =
      from.baseUrl === undefined
        ? await readBack({ ...common, ...this.#throughDns() }, entries)
        : await readDirectly(from.baseUrl, config, common, entries);
    return { ...result, notChecked: result.notChecked + olderOnes };
  }

  /** Counts the orders that the application has, wherever the name points. */
  census(): Promise<OrderCensus> {
    const parts = { ...this.#readingFor(CENSUS_TIMEOUT_MS), ...this.#throughDns() };
    return takeCensus(parts, this.#parts.config.run);
  }

  /** Ends everything at once; the ledger is complete when it resolves. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#pacing !== null) clearInterval(this.#pacing);
    if (this.#reporting !== null) clearInterval(this.#reporting);
    this.#connections.close();
    await this.#ledger.close();
  }

  /** Begins the writes that are due. */
  #pace(): void {
    const { ratePerSecond, inFlightMax } = this.#parts.config;
    const nowMs = performance.now();
    const due = Math.floor(((nowMs - this.#begunUpToMs) * ratePerSecond) / 1000);
    this.#begunUpToMs += (due * 1000) / ratePerSecond;
    const possible = Math.min(
      due,
      inFlightMax - this.#statistics.inFlight,
      Math.ceil((CATCH_UP_MAX_MS * ratePerSecond) / 1000),
    );
    for (let begun = 0; begun < possible; begun += 1) void this.#write(this.#next++);
    this.#statistics.shed(due - Math.max(0, possible));
  }

  async #write(n: number): Promise<void> {
    const { config, clock, emit } = this.#parts;
    const startedMs = performance.now();
    this.#statistics.begun();
    const outcome = await writeOrder(this.#writer, n);
    // Nobody was told of it in time to count it.
    if (this.#closed) return;
    if (outcome.kind === "acknowledged") {
      const { orderId, site, generation, replayed, attempts } = outcome;
      const atMs = clock.now();
      const latencyMs = performance.now() - startedMs;
      const key = keyOf(config, n);
      this.#ledger.add({ n, key, orderId, ackedAtMs: atMs, site, generation, attempts });
      const isFirst = this.#statistics.acknowledged({
        site,
        generation,
        atMs,
        latencyMs,
        replayed,
      });
      if (isFirst) emit({ event: "first-acknowledged", atMs, site, generation });
    } else if (outcome.kind === "refused") {
      this.#statistics.refused();
    } else {
      this.#statistics.gaveUp();
    }
    if (this.#pacing === null && this.#statistics.inFlight === 0) this.#stopped();
  }

  #stopped(): void {
    if (this.#reporting !== null) {
      clearInterval(this.#reporting);
      this.#reporting = null;
      this.#report();
    }
    this.#parts.emit({ event: "stopped", atMs: this.#parts.clock.now() });
  }

  #report(): void {
    const { clock, emit } = this.#parts;
    emit({ event: "counts", atMs: clock.now(), ...this.#statistics.counts() });
  }

  #readingFor(timeoutMs: number): Omit<ReadbackParts, "route" | "port" | "host"> {
    const { config, clock, random } = this.#parts;
    return { clock, random, attemptTimeoutMs: config.attemptTimeoutMs, timeoutMs };
  }

  #throughDns(): Pick<ReadbackParts, "route" | "port" | "host"> {
    const { port, name } = this.#parts.config;
    return { route: (signal) => this.#connections.route(signal), port, host: name };
  }
}

async function readDirectly(
  baseUrl: string,
  config: LoadConfig,
  common: Omit<ReadbackParts, "route" | "port" | "host">,
  entries: readonly LedgerEntry[],
): Promise<ReadbackResult> {
  const { hostname, host, port } = new URL(baseUrl);
  const agent = new AgingAgent(config);
  const route = { address: hostname, agent };
  try {
    const parts = { ...common, route: async () => route, port: Number(port || 80), host };
    return await readBack(parts, entries);
  } finally {
    agent.destroy();
  }
}
