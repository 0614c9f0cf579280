/**
 * One HTTP exchange with an object store, as lean as `node:http` allows.
 *
 * Owns: connections kept alive, limits of time, ends by signal. Does not own: what a status means.
 * Invariants:
 * 1. Every exchange ends: by its answer, by the signal, after `silenceMs` (or its own `patienceMs`) without a
 *    byte moving, or (unless the body is streamed) after the time its size allows.
 * 2. Nothing is retried, with one exception: a kept-alive connection that the other side had closed
 *    before it took anything. That is no answer, and a new connection tells.
 */
import http from "node:http";
import https from "node:https";
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";

/** A request with every header it needs, signed. */
export interface WireRequest {
  readonly method: string;
  readonly endpoint: WireEndpoint;
  /** Escaped path and query; sent as it is, so `..` stays `..`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
  /** How long the answer may take although nothing moves, where the store has work to do first. Default: `silenceMs`. */
  readonly patienceMs?: number;
}

/** Where a store listens. */
export interface WireEndpoint {
  readonly secure: boolean;
  /** Name or address without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** What the `Host` header says. */
  readonly host: string;
}

/** Status and headers have come; the body waits to be taken by `collect` or `stream`, once. */
export interface WireAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: http.IncomingHttpHeaders;
  readonly body: http.IncomingMessage;
}

export interface HttpTransportOptions {
  /** Named in errors. */
  readonly address: string;
  /** How long nothing may move, in either direction. Default 20 s. */
  readonly silenceMs?: number | undefined;
  /** Connections at most. Default 64. */
  readonly connectionsMax?: number | undefined;
}

/** Below this rate an exchange that holds its body in memory is given up. */
const SLOWEST_BYTES_PER_MS = 32;
/** What an exchange may take besides moving its bytes. */
const EXCHANGE_MS = 60_000;

/** See the file's header. */
export class HttpTransport {
  readonly #address: string;
  readonly #silenceMs: number;
  readonly #plain: http.Agent;
  readonly #secure: https.Agent;

  constructor(options: HttpTransportOptions) {
    this.#address = options.address;
    this.#silenceMs = options.silenceMs ?? 20_000;
    const agent = { keepAlive: true, maxSockets: options.connectionsMax ?? 64 };
    this.#plain = new http.Agent(agent);
    this.#secure = new https.Agent(agent);
  }

  /** Sends and waits for status and headers. @throws {CloudPhoenixError} `OBJECT_STORE_UNREACHABLE`, `ABORTED` */
  async exchange(request: WireRequest, signal: AbortSignal): Promise<WireAnswer> {
    const answer = (await this.#once(request, signal)) ?? (await this.#once(request, signal));
    if (answer === null) throw this.#fail("the connection was closed before an answer came");
    return answer;
  }

  /** The whole body. @throws {CloudPhoenixError} as `exchange`; `OBJECT_CORRUPT` if it ends early or is longer */
  collect(answer: WireAnswer, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
    const { body } = answer;
    // It was cut off before anybody listened, and will not say so again.
    if (body.destroyed) return Promise.reject(this.#bodyFailure(body.errored, signal));
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let length = 0;
      const settle = this.#watch(body, signal, EXCHANGE_MS + maxBytes / SLOWEST_BYTES_PER_MS);
      body.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length > maxBytes) body.destroy(this.#corrupt(`more than ${maxBytes} bytes came`));
        else chunks.push(chunk);
      });
      body.once("end", () => {
        settle();
        resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
      });
      body.once("error", (error) => {
        settle();
        reject(this.#bodyFailure(error, signal));
      });
    });
  }

  /** The body as it comes, at the taker's pace. @throws as `collect`, while it is iterated */
  async *stream(answer: WireAnswer, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    const { body } = answer;
    const settle = this.#watch(body, signal, null);
    const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    try {
      for (;;) {
        const silence = setTimeout(() => body.destroy(this.#silent()), this.#silenceMs);
        const next = await chunks.next().finally(() => clearTimeout(silence));
        if (next.done === true) return;
        yield next.value;
      }
    } catch (error) {
      throw this.#bodyFailure(error, signal);
    } finally {
      settle();
      body.destroy();
    }
  }

  /** Closes idle connections; running exchanges go on to their end. */
  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }

  /** Null: a kept-alive connection had been closed by the other side; nothing was answered. */
  #once(request: WireRequest, signal: AbortSignal): Promise<WireAnswer | null> {
    if (signal.aborted) return Promise.reject(abortedError(this.#address, signal));
    return new Promise((resolve, reject) => {
      const sent = this.#open(request);
      const stop = (): void => void sent.destroy(abortedError(this.#address, signal));
      const bytes = request.body?.length ?? 0;
      const limit = setTimeout(
        () => sent.destroy(this.#fail("no answer in time")),
        Math.max(EXCHANGE_MS + bytes / SLOWEST_BYTES_PER_MS, request.patienceMs ?? 0),
      );
      const settle = (): void => {
        clearTimeout(limit);
        signal.removeEventListener("abort", stop);
      };
      signal.addEventListener("abort", stop, { once: true });
      sent.once("timeout", () => sent.destroy(this.#silent()));
      sent.once("response", (body) => {
        settle();
        sent.removeAllListeners("timeout");
        resolve({ status: body.statusCode ?? 0, headers: body.headers, body });
      });
      sent.on("error", (error: NodeJS.ErrnoException) => {
        settle();
        if (sent.reusedSocket && error.code === "ECONNRESET") resolve(null);
        else reject(this.#exchangeFailure(error));
      });
      sent.end(request.body ?? undefined);
    });
  }

  #open(request: WireRequest): http.ClientRequest {
    const { endpoint, method, path, headers, patienceMs } = request;
    const { hostname, port } = endpoint;
    const timeout = patienceMs ?? this.#silenceMs;
    const common = { method, path, headers, hostname, port, timeout };
    return endpoint.secure
      ? https.request({ ...common, agent: this.#secure })
      : http.request({ ...common, agent: this.#plain });
  }

  /** Ends a body by signal, and by time if `limitMs` is given. Returns what ends the watch. */
  #watch(body: http.IncomingMessage, signal: AbortSignal, limitMs: number | null): () => void {
    const stop = (): void => void body.destroy(abortedError(this.#address, signal));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    if (limitMs === null) return () => signal.removeEventListener("abort", stop);
    const silent = (): void => void body.destroy(this.#silent());
    const { socket } = body;
    socket.on("timeout", silent);
    const limit = setTimeout(() => body.destroy(this.#fail("the answer took too long")), limitMs);
    return () => {
      clearTimeout(limit);
      socket.off("timeout", silent);
      signal.removeEventListener("abort", stop);
    };
  }

  #exchangeFailure(error: Error): CloudPhoenixError {
    return error instanceof CloudPhoenixError ? error : this.#fail(messageOf(error), error);
  }

  #bodyFailure(error: unknown, signal: AbortSignal): CloudPhoenixError {
    if (error instanceof CloudPhoenixError) return error;
    if (signal.aborted) return abortedError(this.#address, signal);
    return this.#corrupt("the body ended early", error);
  }

  #silent(): CloudPhoenixError {
    return this.#fail(`nothing moved for ${this.#silenceMs} ms`);
  }

  #fail(what: string, cause?: unknown): CloudPhoenixError {
    return new CloudPhoenixError("OBJECT_STORE_UNREACHABLE", `${this.#address}: ${what}`, {
      retryable: true,
      hint: "Check the network to the store, its endpoint and its provider's status.",
      cause,
    });
  }

  #corrupt(what: string, cause?: unknown): CloudPhoenixError {
    const message = `${this.#address}: ${what}`;
    return new CloudPhoenixError("OBJECT_CORRUPT", message, { retryable: true, cause });
  }
}

/** The error of a call that was told to stop. */
export function abortedError(address: string, signal: AbortSignal): CloudPhoenixError {
  const cause: unknown = signal.reason;
  return new CloudPhoenixError("ABORTED", `${address}: told to stop`, { retryable: false, cause });
}
