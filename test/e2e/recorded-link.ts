/**
 * A way to a store that notes which parts are sent over it although they were stored, and counts requests.
 *
 * A part counts as stored only for whoever knows it: the process that got the answer, and those that come after
 * one that had written it down. An answer that a killed process did not live to hear was heard by nobody, and its
 * part may be sent again.
 */
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
  #known = new Set<string>();
  #connections = 0;
  #onward = 0;
  #quiet = Promise.withResolvers<void>();
  /** Parts that were sent again although whoever sent them could know that they were stored, as `PartsOfUpload` names them. */
  readonly sentAgain: string[] = [];
  #count = 0;
  readonly #partsOf = new Map<string, number>();
  /**
   * Told before a request is passed on: how many there were, and how many of them were parts of this one's object (0 if
   * this one is no part), since the newest process began.
   */
  onRequest: (count: number, parts: number) => void = () => undefined;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((incoming, answer) => this.#pass(incoming, answer));
    this.#server.on("connection", (socket) => {
      this.#connections += 1;
      socket.once("close", () => {
        this.#connections -= 1;
        this.#notify();
      });
    });
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

  /** A process begins that can know of these parts, and of no other. Call it when the one before is `gone`. */
  begins(known: ReadonlySet<string>): void {
    this.#known = new Set(known);
    this.#partsOf.clear();
    this.#count = 0;
  }

  /** Resolves when nothing of a process that has ended is under way any more: what it sent has arrived, or never will. */
  async gone(): Promise<void> {
    while (this.#connections > 0 || this.#onward > 0) await this.#quiet.promise;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  #pass(incoming: IncomingMessage, answer: ServerResponse): void {
    const url = new URL(incoming.url ?? "/", this.#target);
    const { method, headers } = incoming;
    const part = method === "PUT" ? partOf(url.searchParams) : null;
    this.#count += 1;
    this.onRequest(this.#count, part === null ? 0 : this.#countPart(url.pathname));
    if (part !== null && this.#known.has(part)) this.sentAgain.push(part);
    this.#onward += 1;
    const onward = request(url, { method, headers }, (response) => {
      if (part !== null && (response.statusCode ?? 500) < 300) this.#known.add(part);
      if (answer.destroyed) {
        response.resume();
        return;
      }
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
      // Whoever asked may be killed: the rest is read by nobody, but to its end.
      answer.once("close", () => response.resume());
    });
    const end = (): void => void onward.destroy();
    onward.on("error", () => answer.destroy());
    onward.once("close", () => {
      this.#onward -= 1;
      this.#notify();
    });
    incoming.on("error", end).on("close", () => incoming.complete || end());
    answer.on("error", end);
    incoming.pipe(onward);
  }

  #countPart(object: string): number {
    const parts = (this.#partsOf.get(object) ?? 0) + 1;
    this.#partsOf.set(object, parts);
    return parts;
  }

  #notify(): void {
    const { resolve } = this.#quiet;
    this.#quiet = Promise.withResolvers();
    resolve();
  }
}

/** The block's name at Blob; at S3 the upload's and the part's number. */
function partOf(query: URLSearchParams): string | null {
  const upload = query.get("uploadId");
  return upload === null ? query.get("blockid") : `${upload} ${query.get("partNumber")}`;
}
