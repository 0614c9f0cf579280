/** An orders service that remembers, and that fails as it is told to. Real HTTP on loopback. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Order, Site } from "../src/order-answers.ts";

/** `hang` never answers; `nonsense` answers 200 with something else. */
export type Mood = "ok" | "read-only" | "broken" | "hang" | "nonsense" | "refuses";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export class PretendedOrders {
  readonly url: string;
  readonly asked: Asked[] = [];
  readonly orders: Map<string, Order> = new Map();
  /** Of what changes something. */
  writing: Mood = "ok";
  /** Of everything else. */
  reading: Mood = "ok";
  next: string | null = null;
  /** What has become of all receipts. */
  receipts: Order["receipt"] = "stored";
  storage: "healthy" | "unhealthy" = "healthy";
  /** What it says of itself as a whole. */
  health: Site["status"] = "degraded";
  role: Site["role"] = "active";
  /** How long it takes to say it. */
  healthMs = 0;
  readonly #close: () => Promise<void>;

  private constructor(url: string, close: () => Promise<void>) {
    this.url = url;
    this.#close = close;
  }

  static async open(): Promise<PretendedOrders> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const orders = new PretendedOrders(`http://127.0.0.1:${port}`, async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    });
    server.on("request", (request, response) => void orders.#answer(request, response));
    return orders;
  }

  close(): Promise<void> {
    return this.#close();
  }

  /** Attempts to place an order. */
  get placings(): readonly Asked[] {
    return this.asked.filter(({ method, path }) => method === "POST" && path === "/orders");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += String(chunk);
    const { method = "", url: path = "", headers } = request;
    this.asked.push({ method, path, headers, body });
    const mood = method === "POST" ? this.writing : this.reading;
    if (mood === "hang") return;
    if (mood === "broken") request.socket.destroy();
    else if (mood === "nonsense") send(response, 200, { hello: "world" });
    else if (mood === "refuses") problem(response, 400, "BAD_REQUEST");
    else if (mood === "read-only") {
      response.setHeader("retry-after", "2");
      problem(response, 503, "READ_ONLY");
    } else this.#serve({ method, path, headers, body }, response);
  }

  #serve({ method, path, headers, body }: Asked, response: ServerResponse): void {
    if (path === "/health") {
      const status = this.health === "unhealthy" ? 503 : 200;
      setTimeout(() => send(response, status, this.#health()), this.healthMs);
    } else if (method === "GET" && path.startsWith("/orders?")) {
      send(response, 200, { orders: [...this.orders.values()].toReversed(), next: this.next });
    } else if (path === "/orders") this.#place(String(headers["idempotency-key"]), body, response);
    else this.#one(path.split("/"), response);
  }

  #place(key: string, body: string, response: ServerResponse): void {
    const known = this.orders.get(key);
    const id = String(this.orders.size + 1);
    const { items }: { items: Order["items"] } = JSON.parse(body);
    const order = known ?? {
      id,
      number: `A-${id}`,
      items,
      status: "placed",
      createdAt: "2026-03-01T12:30:00.000Z",
    };
    this.orders.set(key, order);
    send(response, known === undefined ? 201 : 200, { ...order, site: "aws-1", generation: 3 });
  }

  #one([, , id, action]: readonly string[], response: ServerResponse): void {
    const entry = [...this.orders].find(([, order]) => order.id === id);
    if (entry === undefined) {
      problem(response, 404, "ORDER_NOT_FOUND");
      return;
    }
    const [key, order] = entry;
    if (action === "receipt") {
      this.#receipt(order, response);
      return;
    }
    const now: Order = action === "cancel" ? { ...order, status: "cancelled" } : order;
    this.orders.set(key, now);
    send(response, 200, { ...now, receipt: this.receipts });
  }

  #receipt({ id, number, items, createdAt }: Order, response: ServerResponse): void {
    if (this.receipts === "none") problem(response, 404, "RECEIPT_NOT_PROMISED");
    else if (this.receipts === "set_aside") problem(response, 409, "RECEIPT_SET_ASIDE");
    else if (this.receipts === "pending") send(response, 202, { status: "pending", orderId: id });
    else if (this.storage === "unhealthy") problem(response, 503, "STORAGE_UNAVAILABLE");
    else {
      const customer = "Ada <Byron>";
      send(response, 200, {
        receipt: 1,
        orderId: id,
        number,
        customer,
        items,
        placedAt: createdAt,
      });
    }
  }

  #health(): object {
    const known = this.role !== "unknown";
    const database =
      this.health === "healthy"
        ? { status: "healthy" }
        : { status: this.health, error: "slow <b>today</b>" };
    return {
      site: "aws-us-east-1",
      cloud: "aws",
      region: "us-east-1",
      role: this.role,
      generation: known ? 3 : 0,
      writesOpen: known && this.writing !== "read-only",
      leaseRemainingMs: known ? 9_000 : null,
      durability: known ? "barrier" : "unknown",
      status: this.health,
      dependencies: [
        { name: "database", responseMs: 300, ...database },
        { name: "storage", status: this.storage, responseMs: 3 },
      ],
      more: "than the page needs",
    };
  }
}

function problem(response: ServerResponse, status: number, code: string): void {
  send(response, status, { code, title: "It is not possible", detail: "Not now.", status });
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
