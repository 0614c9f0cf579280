/** A stand-in for the application that misbehaves on request and remembers what it was asked. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { Socket } from "node:net";

/**
 * `commit-then-kill`: stores the order and closes the connection without an answer.
 * `no-order`: a 201 that names none. `foreign-404`: a 404 that is not the service's.
 */
export type Mood =
  | "ok"
  | "kill"
  | "unavailable"
  | "hang"
  | "commit-then-kill"
  | "refuse"
  | "no-order"
  | "foreign-404";

export class Application {
  readonly port: number;
  readonly orders: Map<string, string> = new Map();
  /** Bodies by key, one per attempt. */
  readonly attempts: Map<string, string[]> = new Map();
  readonly sockets: Set<Socket> = new Set();
  /** What a list of orders shows. */
  listed: readonly { readonly note: string | null; readonly status: string }[] = [];
  connectionsSeen = 0;
  connectionsMost = 0;
  site = "site-a";
  generation = 1;
  /** Asked for every request. */
  mood: (key: string, method: string) => Mood = () => "ok";
  readonly #close: () => Promise<void>;
  #nextId = 1;

  private constructor(port: number, close: () => Promise<void>) {
    this.port = port;
    this.#close = close;
  }

  static async open(host: string, port: number): Promise<Application> {
    const server = createServer();
    // Connections end when the client wants it, or the tests would not see who closed them.
    server.keepAliveTimeout = 0;
    server.listen(port, host);
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const application = new Application(address.port, async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    });
    server.on("connection", (socket) => application.#opened(socket));
    server.on("request", (request, response) => void application.#answer(request, response));
    return application;
  }

  /** Forgets an acknowledged order. */
  lose(key: string): void {
    this.orders.delete(key);
  }

  close(): Promise<void> {
    return this.#close();
  }

  #opened(socket: Socket): void {
    this.connectionsSeen += 1;
    this.sockets.add(socket);
    this.connectionsMost = Math.max(this.connectionsMost, this.sockets.size);
    socket.on("close", () => this.sockets.delete(socket));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += String(chunk);
    const url = new URL(request.url ?? "/", "http://application");
    const key = String(request.headers["idempotency-key"] ?? url.searchParams.get("key"));
    const method = request.method ?? "";
    if (method === "POST") this.attempts.set(key, [...(this.attempts.get(key) ?? []), body]);
    const mood = this.mood(key, method);
    if (mood === "hang") return;
    if (mood === "kill") request.socket.destroy();
    else if (mood === "unavailable") send(response, 503, { code: "READ_ONLY" });
    else if (mood === "no-order") send(response, 201, {});
    else if (mood === "refuse") send(response, 422, { code: "IDEMPOTENCY_MISMATCH" });
    else if (mood === "foreign-404") send(response, 404, { message: "no such route" });
    else if (url.searchParams.has("limit")) this.#list(url, response);
    else if (method === "GET") this.#read(key, response);
    else this.#place(key, response, mood === "commit-then-kill");
  }

  #read(key: string, response: ServerResponse): void {
    const id = this.orders.get(key);
    if (id === undefined) send(response, 404, { code: "ORDER_NOT_FOUND" });
    else send(response, 200, { id });
  }

  /** A page of what `listed` holds. */
  #list(url: URL, response: ServerResponse): void {
    const from = Number(url.searchParams.get("after") ?? 0);
    const to = from + Number(url.searchParams.get("limit"));
    const next = to < this.listed.length ? String(to) : null;
    send(response, 200, { orders: this.listed.slice(from, to), next });
  }

  #place(key: string, response: ServerResponse, thenKill: boolean): void {
    const known = this.orders.get(key);
    const id = known ?? String(this.#nextId++);
    this.orders.set(key, id);
    if (thenKill) response.socket?.destroy();
    else {
      const { site, generation } = this;
      send(response, known === undefined ? 201 : 200, { id, site, generation });
    }
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
