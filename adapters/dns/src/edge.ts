/**
 * A TCP edge: the way in that stays put while the site behind the name changes.
 *
 * A changed DNS record moves only new connections; clients that keep theirs alive would stay at the
 * old site for as long as it answers. So the edge resolves the name for every new connection, and
 * closes the old ones: idle ones as soon as the answer changes, busy ones once they are quiet or
 * the drain time is over, and all of them at a certain age.
 */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Clock } from "@cloudphoenix/engine";
import { EdgeConnection, type EdgeLimits, mustClose } from "./edge-connection.ts";
import { portOf } from "./port-of.ts";
import type { ResolvedAddress } from "./ttl-resolver.ts";

export interface EdgeOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** The name to follow and the port to connect to at its address. */
  readonly name: string;
  readonly targetPort: number;
  readonly resolver: { resolve(name: string): Promise<ResolvedAddress> };
  readonly clock: Clock;
  /** @default 30000 */
  readonly ageMaxMs?: number;
  /** @default 50 */
  readonly quietMs?: number;
  /** @default 1000 */
  readonly drainMs?: number;
  /** @default 1000 */
  readonly connectTimeoutMs?: number;
  /** How often connections and the name are looked at. @default 50 */
  readonly sweepMs?: number;
}

export interface Edge {
  readonly host: string;
  readonly port: number;
  /** Open connections by the address they lead to. */
  connections(): Readonly<Record<string, number>>;
  /** Stops listening and closes every connection. Idempotent. */
  close(): Promise<void>;
}

/** @throws {CloudPhoenixError} `PORT_TAKEN` */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const routes = new EdgeRoutes(options);
  const server = createServer({ allowHalfOpen: true }, (client) => void routes.admit(client));
  server.listen(options.port, options.host);
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new CloudPhoenixError("PORT_TAKEN", `the edge cannot listen on port ${options.port}`, {
      retryable: false,
      hint: "Choose another port for the edge or stop what listens there.",
      cause,
    });
  }
  const stopping = new AbortController();
  const sweeping = routes.sweepUntil(stopping.signal);
  return {
    host: options.host,
    port: portOf(server),
    connections: () => routes.count(),
    close: async () => {
      if (stopping.signal.aborted) return;
      stopping.abort();
      const closed = once(server, "close");
      server.close();
      routes.closeAll();
      await Promise.all([closed, sweeping]);
    },
  };
}

/** The open connections and the address new ones go to. */
class EdgeRoutes {
  readonly #options: EdgeOptions;
  readonly #limits: EdgeLimits;
  readonly #open = new Set<EdgeConnection>();
  readonly #waiting = new Set<Socket>();
  #address: string | null = null;
  /** Since when an address is no longer the answer. */
  readonly #movedAtMs = new Map<string, number>();
  #closed = false;

  constructor(options: EdgeOptions) {
    this.#options = options;
    const { ageMaxMs = 30_000, quietMs = 50, drainMs = 1000 } = options;
    this.#limits = { ageMaxMs, quietMs, drainMs };
  }

  /** Connects a new client to where the name points now; without an answer it is turned away. */
  async admit(client: Socket): Promise<void> {
    this.#waiting.add(client);
    client.setNoDelay(true);
    client.on("error", () => client.destroy());
    const address = await this.#resolve();
    this.#waiting.delete(client);
    if (address === null || client.destroyed || this.#closed) {
      client.destroy();
      return;
    }
    const { targetPort: port, connectTimeoutMs = 1000, clock } = this.#options;
    const connection = new EdgeConnection(client, { address, port, connectTimeoutMs }, clock);
    this.#open.add(connection);
    client.once("close", () => this.#open.delete(connection));
  }

  async sweepUntil(stop: AbortSignal): Promise<void> {
    const { clock, sweepMs = 50 } = this.#options;
    while (!stop.aborted) {
      if (this.#open.size > 0) await this.#resolve();
      const nowMs = clock.now();
      for (const connection of this.#open) {
        const movedAtMs = this.#movedAtMs.get(connection.facts.address) ?? null;
        if (mustClose(connection.facts, this.#limits, { nowMs, movedAtMs })) connection.close();
      }
      try {
        await clock.sleep(sweepMs, stop);
      } catch (error) {
        if (!stop.aborted) throw error;
      }
    }
  }

  count(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { facts } of this.#open) counts[facts.address] = (counts[facts.address] ?? 0) + 1;
    return counts;
  }

  closeAll(): void {
    this.#closed = true;
    for (const connection of this.#open) connection.close();
    for (const client of this.#waiting) client.destroy();
  }

  /** Where the name points; null while nobody can say. Silence of the DNS moves nobody. */
  async #resolve(): Promise<string | null> {
    try {
      const { address } = await this.#options.resolver.resolve(this.#options.name);
      if (this.#address !== null && this.#address !== address) {
        this.#movedAtMs.set(this.#address, this.#options.clock.now());
      }
      this.#movedAtMs.delete(address);
      this.#address = address;
      return address;
    } catch (error) {
      if (error instanceof CloudPhoenixError) return null;
      throw error;
    }
  }
}
