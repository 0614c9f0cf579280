/**
 * Connections as a well-behaved client keeps them: alive, few, not for ever, and never to an
 * address the name no longer has.
 *
 * A changed DNS record alone moves only new connections. So a connection is not used again once it
 * is old, and when the answer changes the idle ones to the old address are closed at once; busy
 * ones are closed when their request ends.
 */
import { Agent, type AgentOptions, type ClientRequestArgs } from "node:http";
import type { Duplex } from "node:stream";

/** The part of a resolver that is needed here. */
export interface NameResolver {
  resolve(name: string, signal?: AbortSignal): Promise<{ readonly address: string }>;
}

interface ConnectionLimits {
  readonly connectionAgeMaxMs: number;
  readonly connectionsMax: number;
}

/** Where to send a request now, and over which connections. */
export interface Route {
  readonly address: string;
  readonly agent: Agent;
}

/** Reaches one name; knows one address at a time. */
export class ClientConnections {
  readonly #resolver: NameResolver;
  readonly #name: string;
  readonly #limits: ConnectionLimits;
  readonly #onMoved: (address: string) => void;
  #current: { readonly address: string; readonly agent: AgingAgent } | null = null;
  #closed = false;

  /** @param onMoved - called with every address that differs from the one before */
  constructor(
    resolver: NameResolver,
    name: string,
    limits: ConnectionLimits,
    onMoved: (address: string) => void,
  ) {
    this.#resolver = resolver;
    this.#name = name;
    this.#limits = limits;
    this.#onMoved = onMoved;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The route of the next request. Rejects as the resolver does, and once this is closed. */
  async route(signal: AbortSignal): Promise<Route> {
    const { address } = await this.#resolver.resolve(this.#name, signal);
    if (this.#closed) throw new Error("the connections are closed");
    if (this.#current?.address === address) return this.#current;
    this.#current?.agent.retire();
    this.#current = { address, agent: new AgingAgent(this.#limits) };
    this.#onMoved(address);
    return this.#current;
  }

  /** Closes every connection; none is opened any more. */
  close(): void {
    this.#closed = true;
    this.#current?.agent.destroy();
    this.#current = null;
  }
}

/** Keeps connections alive up to an age. */
export class AgingAgent extends Agent {
  readonly #ageMaxMs: number;
  readonly #openedAtMs = new WeakMap<Duplex, number>();
  #retired = false;

  constructor(limits: ConnectionLimits) {
    const options: AgentOptions = {
      keepAlive: true,
      maxSockets: limits.connectionsMax,
      // Idle ones close by themselves at the same age.
      timeout: limits.connectionAgeMaxMs,
    };
    super(options);
    this.#ageMaxMs = limits.connectionAgeMaxMs;
  }

  /** Closes idle connections now and busy ones once their request has ended. */
  retire(): void {
    this.#retired = true;
    for (const socket of Object.values(this.freeSockets).flat()) socket?.destroy();
  }

  override createConnection(
    options: ClientRequestArgs,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const socket = super.createConnection(options, callback);
    if (socket !== null && socket !== undefined) this.#openedAtMs.set(socket, performance.now());
    return socket;
  }

  /** Asked by the agent when a request has ended; `false` closes the connection. */
  override keepSocketAlive(socket: Duplex): boolean {
    const openedAtMs = this.#openedAtMs.get(socket) ?? 0;
    if (this.#retired || performance.now() - openedAtMs >= this.#ageMaxMs) return false;
    // Declared as void, but `false` is how Node says that the server wants it closed.
    const kept: unknown = super.keepSocketAlive(socket);
    return kept !== false;
  }
}
