/** A controller that everybody may ask. Real HTTP on loopback. */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ControlAnswer, Level, Move } from "../src/control-answers.ts";

export class PretendedController {
  readonly url: string;
  asked = 0;
  connections = 0;
  /** What it answers; `null` answers 503. */
  answer: ControlAnswer | null | "nonsense" | "hang";
  readonly #close: () => Promise<void>;

  private constructor(url: string, close: () => Promise<void>) {
    this.url = url;
    this.#close = close;
    this.answer = controlAnswer(0, "none");
  }

  static async open(): Promise<PretendedController> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const controller = new PretendedController(`http://127.0.0.1:${port}`, async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    });
    server.on("connection", () => (controller.connections += 1));
    server.on("request", ({ url }, response) => controller.#serve(url ?? "", response));
    return controller;
  }

  close(): Promise<void> {
    return this.#close();
  }

  #serve(url: string, response: ServerResponse): void {
    this.asked += 1;
    const { answer } = this;
    if (answer === "hang") return;
    response.setHeader("content-type", "application/json");
    if (url !== "/public/status") response.writeHead(401).end("{}");
    else if (answer === null) response.writeHead(503).end(JSON.stringify({ code: "NOT_LEADER" }));
    else if (answer === "nonsense") response.end('{"move": 7, "sites": {}}');
    else response.end(JSON.stringify({ ...answer, active: "aws-us-east-1", more: "than needed" }));
  }
}

/** An answer about the site that the pretended orders service is at. */
export function controlAnswer(
  score: number | null,
  level: Level | null,
  move: Move | null = null,
): ControlAnswer {
  const atMs = Date.UTC(2026, 2, 1, 12, 30);
  const evaluatedAtMs = score === null ? null : atMs;
  return { atMs, move, sites: [{ id: "aws-us-east-1", score, level, evaluatedAtMs }] };
}
