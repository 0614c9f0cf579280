/**
 * Asks one target, again and again, over a connection of its own that is kept alive.
 *
 * A connection per target keeps a slow one from holding a place another one waits for. Sockets are
 * used without `node:http`, which costs twice as much per question (bench/probe).
 */
import { classifyAnswer, classifyFailure } from "./classify.ts";
import { HttpConnection } from "./http-connection.ts";
import { endpointOf, type HttpEndpoint } from "./http-endpoint.ts";
import type { Expectation, Verdict } from "./probe-target.ts";

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

/** One question at a time: the caller waits for its end, or calls `expire`, before the next. */
export class HttpAsker {
  readonly #target: AskedTarget;
  readonly #endpoint: HttpEndpoint | string;
  readonly #done: (asked: Asked) => void;
  #connection: HttpConnection | null = null;
  /** Questions that had to be put twice because the kept connection had gone stale. */
  staleConnections = 0;
  /** When the certificate that was shown last ends, since 1970; null if none was. */
  certificateEndsAtMs: number | null = null;

  /** `done` is told how each question ended, once. */
  constructor(target: AskedTarget, done: (asked: Asked) => void) {
    this.#target = target;
    this.#endpoint = endpointOf(target.url, target.headers ?? {});
    this.#done = done;
  }

  /** Puts the question; `fresh` opens a new connection for it. */
  ask(fresh: boolean): void {
    const endpoint = this.#endpoint;
    if (typeof endpoint === "string") {
      const verdict = { status: "unknown", detail: `could not ask: ${endpoint}` } as const;
      this.#done({ verdict, answered: false });
      return;
    }
    if (fresh || this.#connection?.isOpen !== true) this.#reconnect(endpoint);
    this.#connection?.ask(endpoint.request);
  }

  /** Gives up on the question that is open. */
  expire(waitedMs: number): void {
    this.close();
    const detail = `no answer within ${waitedMs} ms`;
    this.#done({ verdict: { status: "unhealthy", detail }, answered: false });
  }

  /** Gives up without a word. */
  close(): void {
    this.#connection?.destroy();
    this.#connection = null;
  }

  #reconnect(endpoint: HttpEndpoint): void {
    this.close();
    this.#connection = new HttpConnection(endpoint.connect(), {
      answered: (answer) => {
        this.#done({ verdict: classifyAnswer(this.#target.expect, answer), answered: true });
      },
      failed: (error, isStale) => {
        // The other side may close a kept connection at the very moment we use it (RFC 9112
        // section 9.3.1). That says nothing about its health, so the question is put once more, on
        // a connection that cannot be stale.
        if (isStale) {
          this.staleConnections += 1;
          this.ask(true);
          return;
        }
        this.#done({ verdict: classifyFailure(error), answered: false });
      },
      certified: (endsAtMs) => {
        this.certificateEndsAtMs = endsAtMs;
      },
    });
  }
}
