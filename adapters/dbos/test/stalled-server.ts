/** A server that lets a client in, as PostgreSQL does, and then answers no statement. */
import { once } from "node:events";
import { type Server, type Socket, createServer } from "node:net";

/** AuthenticationOk, then ReadyForQuery (idle). */
const COME_IN = Buffer.concat([
  Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]),
  Buffer.from([0x5a, 0, 0, 0, 5, 0x49]),
]);

export class StalledServer {
  accepted = 0;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => {
      this.accepted += 1;
      this.#open.add(socket);
      socket.once("data", () => socket.write(COME_IN));
      socket.on("error", () => undefined);
      socket.on("close", () => this.#open.delete(socket));
    });
  }

  static async listening(): Promise<StalledServer> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new StalledServer(server);
  }

  get url(): string {
    const address = this.#server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    return `postgresql://somebody@127.0.0.1:${port}/state`;
  }

  /** Resolves once every client has hung up; rejects when `signal` aborts before. */
  async allGone(signal: AbortSignal): Promise<void> {
    for (const socket of this.#open) {
      socket.resume();
      await once(socket, "close", { signal });
    }
  }

  close(): void {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
  }
}
