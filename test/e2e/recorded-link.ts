/** A way to a Blob server that writes down which blocks were sent over it, and counts requests. */
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

export class RecordedLink {
  readonly #server: Server;
  readonly #target: URL;
  readonly #sent: string[] = [];
  /** Requests since it was last set. */
  count = 0;
  /** Told before a request is passed on. */
  onRequest: (count: number) => void = () => undefined;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((incoming, answer) => this.#pass(incoming, answer));
  }

  static async open(target: URL): Promise<RecordedLink> {
    const link = new RecordedLink(target);
    link.#server.listen(0, "127.0.0.1");
    await once(link.#server, "listening");
    return link;
  }

  /** What clients use instead of the server's own. */
  get endpoint(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}${this.#target.pathname}`;
  }

  /** Those of `receipts` whose block was sent more often than once. */
  resent(receipts: ReadonlySet<string>): readonly string[] {
    const seen = new Set<string>();
    return this.#sent.filter(
      (block) => receipts.has(block) && (seen.has(block) || !seen.add(block)),
    );
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  #pass(incoming: IncomingMessage, answer: ServerResponse): void {
    this.count += 1;
    this.onRequest(this.count);
    const url = new URL(incoming.url ?? "/", this.#target);
    const block = url.searchParams.get("blockid");
    const { method, headers } = incoming;
    const onward = request(url, { method, headers }, (response) => {
      // Stored, whether or not the client lives to hear of it.
      if (block !== null && response.statusCode === 201) this.#sent.push(block);
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    const end = (): void => void onward.destroy();
    onward.on("error", () => answer.destroy());
    incoming.on("error", end).on("close", () => incoming.complete || end());
    answer.on("error", end);
    incoming.pipe(onward);
  }
}
