/**
 * A link between two places: a TCP proxy with a delay that can be impaired while it runs.
 *
 * A link owns no knowledge of who impairs it or why: impairments are kept per owner, so that a
 * fault and a fence on the same link can be lifted one by one without lifting each other.
 */
import { createServer, type Server, type Socket } from "node:net";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Random } from "@cloudphoenix/engine";
import { Connection, type Endpoint } from "./connection.ts";
import { type Behaviour, combine, type Direction, type Impairment } from "./impairment.ts";
import type { Wire } from "./lane.ts";

export interface LinkOptions {
  /** `<from>-><to>:<what>`, for instance `control->aws:entry`. */
  readonly name: string;
  readonly listen: Endpoint;
  readonly target: Endpoint;
  /** One way, each way. */
  readonly delayMs: number;
  readonly random: Random;
}

/** What a link carries right now. */
export interface LinkStats {
  readonly connections: number;
  readonly bufferedBytes: number;
  readonly behaviour: Behaviour;
}

/** A running link. */
export class Link {
  readonly name: string;
  readonly #options: LinkOptions;
  readonly #server: Server;
  readonly #impairments = new Map<string, Impairment>();
  readonly #connections = new Set<Connection>();
  /** Connections accepted while the link was cut: nothing answers them until it is mended. */
  readonly #hanging = new Set<Socket>();
  readonly #wires: Readonly<Record<Direction, Wire>>;
  #behaviour: Behaviour;

  private constructor(options: LinkOptions, server: Server) {
    this.name = options.name;
    this.#options = options;
    this.#server = server;
    this.#behaviour = combine(options.delayMs, []);
    this.#wires = {
      forward: { conduct: this.#behaviour.forward, freeAtMs: 0 },
      backward: { conduct: this.#behaviour.backward, freeAtMs: 0 },
    };
    server.on("connection", (client) => this.#accept(client));
  }

  /** Starts listening. @throws {CloudPhoenixError} `PORT_TAKEN` */
  static async open(options: LinkOptions): Promise<Link> {
    const server = createServer({ allowHalfOpen: true });
    const link = new Link(options, server);
    const { host, port } = options.listen;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) =>
        reject(
          new CloudPhoenixError("PORT_TAKEN", `link ${options.name} cannot use ${host}:${port}`, {
            retryable: true,
            cause,
          }),
        ),
      );
      server.listen(port, host, resolve);
    });
    return link;
  }

  /** Adds, replaces or (with null) lifts what `owner` does to the link. Takes effect before it returns. */
  impair(owner: string, impairment: Impairment | null): void {
    if (impairment === null) this.#impairments.delete(owner);
    else this.#impairments.set(owner, impairment);
    this.#apply(combine(this.#options.delayMs, [...this.#impairments.values()]));
  }

  stats(): LinkStats {
    const bufferedBytes = [...this.#connections].reduce((sum, each) => sum + each.bufferedBytes, 0);
    return {
      connections: this.#connections.size + this.#hanging.size,
      bufferedBytes,
      behaviour: this.#behaviour,
    };
  }

  /** Stops listening and resets every connection. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#resetAll();
    await closed;
  }

  #apply(behaviour: Behaviour): void {
    this.#behaviour = behaviour;
    for (const direction of ["forward", "backward"] as const) {
      this.#wires[direction].conduct = behaviour[direction];
      this.#wires[direction].freeAtMs = 0;
      if (!behaviour[direction].cut) continue;
      for (const connection of this.#connections) connection.cut(direction);
    }
    if (behaviour.refuse) this.#resetAll();
    if (!this.#isCut()) this.#resetBroken();
    for (const connection of this.#connections) connection.retime();
  }

  #accept(client: Socket): void {
    if (this.#behaviour.refuse) {
      client.on("error", () => {});
      client.resetAndDestroy();
    } else if (this.#isCut()) {
      this.#hang(client);
    } else {
      const connection = new Connection({
        client,
        target: this.#options.target,
        wires: this.#wires,
        drops: () => this.#drops(),
        onGone: () => this.#connections.delete(connection),
      });
      this.#connections.add(connection);
    }
  }

  /** A handshake needs both directions, so one cut direction is enough to leave it unanswered. */
  #isCut(): boolean {
    return this.#behaviour.forward.cut || this.#behaviour.backward.cut;
  }

  #hang(client: Socket): void {
    this.#hanging.add(client);
    client.on("error", () => {});
    client.on("close", () => this.#hanging.delete(client));
    client.on("end", () => client.destroy());
    client.resume();
  }

  #drops(): boolean {
    const chance = this.#behaviour.dropProbability;
    return chance > 0 && this.#options.random.next() < chance;
  }

  #resetBroken(): void {
    for (const client of this.#hanging) client.resetAndDestroy();
    for (const connection of this.#connections) if (connection.broken) connection.reset();
  }

  #resetAll(): void {
    for (const client of this.#hanging) client.resetAndDestroy();
    for (const connection of this.#connections) connection.reset();
  }
}
