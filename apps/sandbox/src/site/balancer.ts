/**
 * A level-4 load balancer: every new connection goes to a pod that is ready; if none is, to one
 * that answers; if none does, it is reset.
 *
 * What it reports of itself asks whether targets answer, not whether they are ready: a database
 * that is down makes every pod not ready, and that must not look like dead targets.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import { CloudPhoenixError, type Status } from "@cloudphoenix/core";
import type { Pod } from "./pod.ts";
import type { SiteWorkload } from "./workload.ts";

export class Balancer {
  readonly #workload: Pick<SiteWorkload, "pods" | "desired">;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #turn = 0;

  private constructor(workload: Pick<SiteWorkload, "pods" | "desired">, server: Server) {
    this.#workload = workload;
    this.#server = server;
    server.on("connection", (client) => this.#accept(client));
  }

  /** Starts listening on loopback. @throws {CloudPhoenixError} `PORT_TAKEN` */
  static async open(
    workload: Pick<SiteWorkload, "pods" | "desired">,
    port: number,
  ): Promise<Balancer> {
    const server = createServer({ allowHalfOpen: true });
    const balancer = new Balancer(workload, server);
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
    const { desired, pods } = this.#workload;
    const answering = pods.filter(({ answers }) => answers).length;
    const detail = `${answering} of ${desired} targets answer`;
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
  #candidates(): readonly Pod[] {
    const ready = this.#workload.pods.filter((pod) => pod.ready);
    const pods = ready.length > 0 ? ready : this.#workload.pods.filter((pod) => pod.answers);
    this.#turn += 1;
    const first = pods.length === 0 ? 0 : this.#turn % pods.length;
    return [...pods.slice(first), ...pods.slice(0, first)];
  }

  #forward(client: Socket, candidates: readonly Pod[]): void {
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
