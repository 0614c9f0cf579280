/** Speaks to the controller's HTTP API v1 and turns its problem documents into our errors. */
import { CloudPhoenixError, type ErrorCode } from "@cloudphoenix/core";

export interface ApiTarget {
  /** Base address, for instance `http://127.0.0.1:20120`. */
  readonly url: string;
  readonly token: string;
}

export interface ApiRequest {
  readonly method?: "GET" | "POST" | "PUT";
  readonly body?: unknown;
  /** Same key, same effect: the controller carries the request out once. */
  readonly idempotencyKey?: string;
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;

export class ApiClient {
  readonly #target: ApiTarget;

  constructor(target: ApiTarget) {
    this.#target = target;
  }

  get url(): string {
    return this.#target.url;
  }

  /**
   * Sends one request and answers with the parsed body.
   * @throws {CloudPhoenixError} the code of the problem document; `UNREACHABLE` (retryable) if
   *   nobody answers, `TIMED_OUT` after `timeoutMs` (default 10 s)
   */
  async send<T>(path: string, request: ApiRequest = {}): Promise<T> {
    const response = await this.#fetch(path, request);
    const text = await response.text();
    if (!response.ok) throw problemError(response.status, parsed(text, path));
    // The controller is of our own version: what it sends is of the shape the caller names.
    return parsed(text, path);
  }

  /**
   * The lines of an answer as they come.
   * @throws {CloudPhoenixError} the code of the problem document, `UNREACHABLE`
   */
  async *lines(path: string, signal: AbortSignal): AsyncGenerator<string> {
    const response = await fetch(new URL(path, this.#target.url), {
      headers: { authorization: `Bearer ${this.#target.token}` },
      signal,
    }).catch((cause: unknown) => {
      throw this.#unreachable(cause, null);
    });
    if (!response.ok || response.body === null) {
      throw problemError(response.status, parsed(await response.text(), path));
    }
    let rest = "";
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const found = (rest + chunk).split("\n");
      rest = found.pop() ?? "";
      yield* found;
    }
    if (rest !== "") yield rest;
  }

  /** Events of the controller as they come, until `signal` aborts or the controller goes away. */
  async *events(signal: AbortSignal): AsyncGenerator<{ event: string; data: unknown }> {
    const response = await fetch(new URL("/v1/events", this.#target.url), {
      headers: { authorization: `Bearer ${this.#target.token}`, accept: "text/event-stream" },
      signal,
    });
    if (!response.ok || response.body === null) {
      throw problemError(response.status, parsed(await response.text(), "/v1/events"));
    }
    let rest = "";
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = /^event: (.*)$/m.exec(block)?.[1];
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (event !== undefined && data !== undefined) yield { event, data: JSON.parse(data) };
      }
    }
  }

  async #fetch(path: string, request: ApiRequest): Promise<Response> {
    const timeoutMs = request.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    try {
      return await fetch(new URL(path, this.#target.url), {
        method: request.method ?? "GET",
        headers: {
          authorization: `Bearer ${this.#target.token}`,
          ...(request.body === undefined ? {} : { "content-type": "application/json" }),
          ...(request.idempotencyKey === undefined
            ? {}
            : { "idempotency-key": request.idempotencyKey }),
        },
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch (cause) {
      throw this.#unreachable(cause, timeoutMs);
    }
  }

  #unreachable(cause: unknown, timeoutMs: number | null): CloudPhoenixError {
    const slow = cause instanceof DOMException && cause.name === "TimeoutError";
    return new CloudPhoenixError(
      slow ? "TIMED_OUT" : "UNREACHABLE",
      slow && timeoutMs !== null
        ? `the controller at ${this.#target.url} did not answer within ${timeoutMs} ms`
        : `no controller answers at ${this.#target.url}`,
      {
        retryable: true,
        hint: "If this is production: bring a controller back (docs/runbooks/controller-down.md), or name another with --url and --token-file. Only for a trial on this machine: `cloudphoenix start`.",
        cause,
      },
    );
  }
}

// oxlint-disable-next-line typescript/no-explicit-any -- the caller names the shape of the answer
function parsed(text: string, path: string): any {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CloudPhoenixError("INTERNAL", `${path} did not answer with JSON`, {
      retryable: false,
      hint: "Check that --url names a CloudPhoenix controller.",
      cause,
    });
  }
}

function problemError(status: number, body: unknown): CloudPhoenixError {
  const problem: Problem = typeof body === "object" && body !== null ? body : {};
  const code = problem.code ?? (status === 401 ? "UNAUTHORIZED" : "INTERNAL");
  const message = problem.detail ?? problem.title ?? `the controller answered ${status}`;
  return new CloudPhoenixError(code, message, {
    retryable: status === 503,
    ...(problem.hint === undefined ? {} : { hint: problem.hint }),
  });
}

interface Problem {
  readonly code?: ErrorCode;
  readonly detail?: string;
  readonly title?: string;
  readonly hint?: string;
}
