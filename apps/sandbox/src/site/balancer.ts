/**
 * A level-4 load balancer: every new connection goes to a pod that is ready; if none is, to one
 * that answers; if none does, it is reset.
 *
 * What it reports of itself asks whether targets answer, not whether they are ready: a database
 * that is down makes every pod not ready, and that must not look like dead targets.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import { CloudPhoenixError, type Status } from "@cloudphoenix/core";

/** One thing to send connections to. */
export interface BalancerTarget {
  readonly port: number;
  /** Says it is ready for requests. */
  readonly ready: boolean;
  /** Answers at all, ready or not. */
  readonly answers: boolean;
  /** Told that it refused a connection, before the next check would show it. */
  markDown(): void;
}

/** The targets as they are now. */
export interface BalancerTargets {
  readonly name: string;
  readonly pods: readonly BalancerTarget[];
  readonly desired: number;
}

export class Balancer {
  readonly #targets: BalancerTargets;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #turn = 0;

  private constructor(targets: BalancerTargets, server: Server) {
    this.#targets = targets;
    this.#server = server;
    server.on("connection", (client) => this.#accept(client));
  }

  /** Starts listening on loopback. @throws {CloudPhoenixError} `PORT_TAKEN` */
  static async open(targets: BalancerTargets, port: number): Promise<Balancer> {
    const server = createServer({ allowHalfOpen: true });
    const balancer = new Balancer(targets, server);
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) =>
        reject(
          new CloudPhoenixError("PORT_TAKEN", `the load balancer cannot use port ${port}`, {
            retryable: true,
            cause,
          }),
        ),
      );
      server.listen(port, "127.0.0.1", resolve);
    });
    return balancer;
  }

  report(): { readonly status: Status; readonly detail: string } {
    const { name, desired, pods } = this.#targets;
    const answering = pods.filter(({ answers }) => answers).length;
    const detail = `${answering} of ${desired} targets of ${name} answer`;
    if (answering === 0) return { status: "unhealthy", detail };
    return { status: answering < desired ? "degraded" : "healthy", detail };
  }

  /** Stops listening and resets every connection. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  #accept(client: Socket): void {
    this.#track(client);
    client.setNoDelay(true);
    this.#forward(client, this.#candidates());
  }

  /** Pods to try in turn, so that consecutive connections spread. */
  #candidates(): readonly BalancerTarget[] {
    const ready = this.#targets.pods.filter((pod) => pod.ready);
    const pods = ready.length > 0 ? ready : this.#targets.pods.filter((pod) => pod.answers);
    this.#turn += 1;
    const first = pods.length === 0 ? 0 : this.#turn % pods.length;
    return [...pods.slice(first), ...pods.slice(0, first)];
  }

  #forward(client: Socket, candidates: readonly BalancerTarget[]): void {
    const [pod, ...others] = candidates;
    if (pod === undefined) {
      client.resetAndDestroy();
      return;
    }
    const target = connect({
      host: "127.0.0.1",
      port: pod.port,
      allowHalfOpen: true,
      noDelay: true,
    });
    const refused = (): void => {
      pod.markDown();
      this.#forward(client, others);
    };
    target.once("error", refused);
    target.once("connect", () => {
      target.off("error", refused);
      this.#track(target);
      this.#join(client, target);
    });
  }

  #join(client: Socket, target: Socket): void {
    // `pipe` brings backpressure; ends travel one way at a time, failures both ways.
    client.pipe(target);
    target.pipe(client);
    client.once("close", (hadError) => (hadError ? target.resetAndDestroy() : target.end()));
    target.once("close", (hadError) => (hadError ? client.resetAndDestroy() : client.end()));
    if (client.destroyed) target.resetAndDestroy();
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    // Unheard errors would end the process; "close" follows and decides.
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(socket));
  }
}
