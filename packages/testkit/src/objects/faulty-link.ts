/**
 * An HTTP proxy before an object store, that misbehaves on demand.
 *
 * Owns: passing requests on unchanged (also their `Host`, so that signatures stay valid) and one fault at a
 * time. Listens on 127.0.0.1 only.
 */
import http from "node:http";

/** What goes wrong with a request. */
export type LinkFault =
  | { readonly kind: "none" }
  /** The request is taken and never answered. */
  | { readonly kind: "hang" }
  /** Status, headers and half of the body come, then nothing more. */
  | { readonly kind: "stall" }
  /** Half of the body comes, then the connection is gone. */
  | { readonly kind: "cut" }
  /** The last byte of the body is another one. */
  | { readonly kind: "flip" }
  /** Half of the body comes and is said to be all of it. */
  | { readonly kind: "shorten" }
  /** The request is passed on without asking for a range. */
  | { readonly kind: "forget-range" }
  /** The connection is closed before any answer. */
  | { readonly kind: "drop" }
  /** Answered in the store's place. */
  | { readonly kind: "status"; readonly status: number };

/** See the file's header. */
export class FaultyLink {
  readonly #target: URL;
  readonly #server: http.Server;
  readonly #agent = new http.Agent({ keepAlive: true });
  /** Applies to requests that come from now on. */
  fault: LinkFault = { kind: "none" };
  /** Only requests for which it is true are hit. */
  hits: (request: { readonly method: string; readonly url: string }) => boolean = () => true;
  /** Requests that were hit. */
  hitCount = 0;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = http.createServer((request, response) => this.#handle(request, response));
  }

  /** Opens a link to `http://127.0.0.1:port`. */
  static async open(target: URL): Promise<FaultyLink> {
    const link = new FaultyLink(target);
    await new Promise<void>((resolve) => link.#server.listen(0, "127.0.0.1", resolve));
    return link;
  }

  /** The target's address with this link's port. */
  get url(): URL {
    const url = new URL(this.#target);
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the link is closed");
    url.port = String(address.port);
    return url;
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #handle(request: http.IncomingMessage, response: http.ServerResponse): void {
    const asked = { method: request.method ?? "", url: request.url ?? "" };
    const fault: LinkFault = this.hits(asked) ? this.fault : { kind: "none" };
    if (fault.kind !== "none") this.hitCount += 1;
    if (fault.kind === "hang") return;
    if (fault.kind === "drop") {
      request.socket.destroy();
      return;
    }
    if (fault.kind === "status") {
      request.resume();
      request.once("end", () => response.writeHead(fault.status).end());
      return;
    }
    this.#forward(request, response, fault);
  }

  #forward(request: http.IncomingMessage, response: http.ServerResponse, fault: LinkFault): void {
    const { hostname, port } = this.#target;
    const { method, url } = request;
    const headers = { ...request.headers };
    if (fault.kind === "forget-range") {
      delete headers["range"];
      delete headers["x-ms-range"];
    }
    const onward = http.request({ hostname, port, method, path: url, headers, agent: this.#agent });
    onward.on("error", () => response.destroy());
    onward.once("response", (answer) => {
      if (fault.kind === "shorten") {
        shorten(answer, response);
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      if (fault.kind === "none" || fault.kind === "forget-range") answer.pipe(response);
      else spoil(answer, response, fault);
    });
    request.pipe(onward);
  }
}

function shorten(answer: http.IncomingMessage, response: http.ServerResponse): void {
  const chunks: Buffer[] = [];
  answer.on("data", (chunk: Buffer) => chunks.push(chunk));
  answer.once("end", () => {
    const body = Buffer.concat(chunks);
    const half = body.subarray(0, body.length / 2);
    const headers = { ...answer.headers, "content-length": String(half.length) };
    response.writeHead(answer.statusCode ?? 502, headers).end(half);
  });
}

function spoil(
  answer: http.IncomingMessage,
  response: http.ServerResponse,
  fault: LinkFault,
): void {
  const chunks: Buffer[] = [];
  answer.on("data", (chunk: Buffer) => chunks.push(chunk));
  answer.once("end", () => {
    const body = Buffer.concat(chunks);
    if (fault.kind === "flip") {
      if (body.length > 0) body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
      response.end(body);
      return;
    }
    response.write(body.subarray(0, body.length / 2), () => {
      if (fault.kind === "cut") response.destroy();
    });
  });
}
