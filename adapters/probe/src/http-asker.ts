/**
 * Asks one target, again and again, over a connection of its own that is kept alive.
 *
 * An agent per target costs a third of the memory of one shared pool for thousands of origins, and
 * keeps a slow target from holding a place another one waits for.
 */
import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
  type RequestOptions,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { urlToHttpOptions } from "node:url";
import { classifyAnswer, classifyFailure } from "./classify.ts";
import type { Expectation, Verdict } from "./probe-target.ts";

/** Enough for any health document; more is not read. */
const BODY_BYTES_MAX = 65_536;

export interface AskedTarget {
  readonly url: string;
  readonly expect: Expectation;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What one question led to. */
export interface Asked {
  readonly verdict: Verdict;
  /** An HTTP answer came, whatever it said. */
  readonly answered: boolean;
}

/** A question on its way. */
export interface Question {
  /** Gives up now; `done` is called with "no answer". Without effect once there is one. */
  expire(waitedMs: number): void;
  /** Gives up without calling `done`. */
  drop(): void;
}

/** Not safe for two questions at a time: the caller waits for `done` or calls `expire` first. */
export class HttpAsker {
  readonly #expect: Expectation;
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #isHttps: boolean;
  /** Made once: at thousands of questions per second, parsing the URL each time shows. */
  readonly #options: RequestOptions | null;
  /** Questions that had to be put twice because the kept connection had gone stale. */
  staleConnections = 0;

  constructor(target: AskedTarget) {
    this.#expect = target.expect;
    const url = URL.canParse(target.url) ? new URL(target.url) : null;
    this.#isHttps = url?.protocol === "https:";
    const oneKept = { keepAlive: true, maxSockets: 1, maxFreeSockets: 1 };
    this.#agent = this.#isHttps ? new HttpsAgent(oneKept) : new HttpAgent(oneKept);
    this.#options =
      url === null || (url.protocol !== "http:" && !this.#isHttps)
        ? null
        : {
            ...addressOf(url),
            agent: this.#agent,
            headers: ["host", url.host, ...Object.entries(target.headers ?? {}).flat()],
          };
  }

  /** Puts the question; `fresh` opens a new connection first. `done` is called at most once. */
  ask(fresh: boolean, done: (asked: Asked) => void): Question {
    if (fresh) this.#agent.destroy();
    const attempt = new Attempt(done);
    this.#send(attempt, true);
    return {
      expire: (waitedMs) => {
        const detail = `no answer within ${waitedMs} ms`;
        attempt.end({ verdict: { status: "unhealthy", detail }, answered: false });
      },
      drop: () => attempt.drop(),
    };
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(attempt: Attempt, mayRepeat: boolean): void {
    if (this.#options === null) {
      const detail = "could not ask: the address is not an http or https URL";
      attempt.end({ verdict: { status: "unknown", detail }, answered: false });
      return;
    }
    const request = this.#isHttps ? httpsRequest : httpRequest;
    try {
      const sent = request(this.#options);
      attempt.carry(sent);
      sent.on("response", (response) => this.#receive(attempt, response));
      sent.on("error", (error) => {
        // The server may close a kept connection at the very moment we use it (RFC 9112 section
        // 9.3.1). That says nothing about its health, so the question is put once more.
        if (!attempt.isCurrent(sent)) return;
        if (mayRepeat && sent.reusedSocket && !attempt.hasAnswer && isClosing(error)) {
          this.staleConnections += 1;
          this.#send(attempt, false);
          return;
        }
        attempt.end({ verdict: classifyFailure(error), answered: false });
      });
      sent.end();
    } catch (error) {
      // `request` throws for options it cannot send, for instance a header with a line break.
      const reason = error instanceof Error ? error : new Error(String(error));
      attempt.end({ verdict: classifyFailure(reason), answered: false });
    }
  }

  #receive(attempt: Attempt, response: IncomingMessage): void {
    attempt.hasAnswer = true;
    const statusCode = response.statusCode ?? 0;
    const chunks: Buffer[] = [];
    let bytes = 0;
    const finish = (truncated: boolean): void => {
      const body = Buffer.concat(chunks).toString("utf8");
      const verdict = classifyAnswer(this.#expect, { statusCode, body, truncated });
      if (truncated) attempt.end({ verdict, answered: true });
      else attempt.complete({ verdict, answered: true });
    };
    response.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) finish(true);
      else if (this.#expect === "health-json") chunks.push(chunk);
    });
    response.on("end", () => finish(false));
    response.on("error", (error) => {
      attempt.end({ verdict: classifyFailure(error), answered: false });
    });
  }
}

/** Of the dozen texts a parsed URL consists of, the three that a question needs. */
function addressOf(url: URL): RequestOptions {
  const { hostname = null, port = null, path = null } = urlToHttpOptions(url);
  return { hostname, port, path };
}

function isClosing(error: Error): boolean {
  return "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
}

/** One question up to its single end, across the request and its possible repetition. */
class Attempt {
  readonly #done: (asked: Asked) => void;
  #request: ClientRequest | null = null;
  #ended = false;
  hasAnswer = false;

  constructor(done: (asked: Asked) => void) {
    this.#done = done;
  }

  carry(request: ClientRequest): void {
    this.#request = request;
  }

  isCurrent(request: ClientRequest): boolean {
    return !this.#ended && this.#request === request;
  }

  /** Ends with an answer that was read to its last byte: the connection stays. */
  complete(asked: Asked): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#done(asked);
  }

  /** Ends with whatever is known; a connection that still has something coming is closed. */
  end(asked: Asked): void {
    if (this.#ended) return;
    this.drop();
    this.#done(asked);
  }

  drop(): void {
    this.#ended = true;
    this.#request?.destroy();
  }
}
