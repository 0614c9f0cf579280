/** A way to a store that writes down which parts were sent over it, and counts requests. */
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

  /** Those of `parts`, as `PartsOfUpload` names them, that were sent more often than once. */
  resent(parts: ReadonlySet<string>): readonly string[] {
    const seen = new Set<string>();
    return this.#sent.filter((part) => parts.has(part) && (seen.has(part) || !seen.add(part)));
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
    const { method, headers } = incoming;
    const part = method === "PUT" ? partOf(url.searchParams) : null;
    const onward = request(url, { method, headers }, (response) => {
      // Stored, whether or not the client lives to hear of it.
      if (part !== null && (response.statusCode ?? 500) < 300) this.#sent.push(part);
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

/** The block's name at Blob; at S3 the upload's and the part's number. */
function partOf(query: URLSearchParams): string | null {
  const upload = query.get("uploadId");
  return upload === null ? query.get("blockid") : `${upload} ${query.get("partNumber")}`;
}
