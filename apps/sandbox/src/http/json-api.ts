/** A small JSON-over-HTTP server on loopback: routes, bearer token, errors with codes. */
import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { CloudPhoenixError, type Json, messageOf } from "@cloudphoenix/core";

interface ApiRequest {
  /** Values of the `:name` parts of the route. */
  readonly params: Readonly<Record<string, string>>;
  /** Parsed JSON body; null if there is none. Not checked yet. */
  readonly body: unknown;
}

export interface Route {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** For instance `/v1/workloads/:name`. */
  readonly path: string;
  /** Whether it needs no token. Default false. */
  readonly open?: boolean;
  readonly handle: (request: ApiRequest) => Promise<Json> | Json;
}

export interface JsonApiOptions {
  readonly host: string;
  readonly port: number;
  /** Null leaves the server open to everybody who reaches it. */
  readonly token: string | null;
  readonly routes: readonly Route[];
}

export interface JsonApi {
  /** Stops listening and ends every connection. */
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 64 * 1024;

const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  NOT_FOUND: 404,
  NOT_RUNNING: 409,
  CONFLICT: 409,
  STALE_GENERATION: 409,
  UNREACHABLE: 503,
};

/** Starts listening. @throws {CloudPhoenixError} `PORT_TAKEN` */
export async function serveJson(options: JsonApiOptions): Promise<JsonApi> {
  const server = createServer((request, response) => {
    void respond(options, request, response);
  });
  await listen(server, options);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, { host, port }: JsonApiOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new CloudPhoenixError("PORT_TAKEN", `cannot listen on ${host}:${port}`, {
          retryable: true,
          cause,
        }),
      ),
    );
    server.listen(port, host, resolve);
  });
}

async function respond(
  options: JsonApiOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const found = find(options.routes, request);
    // Unknown paths need the token too: what exists here is nobody else's business.
    if (found?.route.open !== true) authorize(options.token, request);
    const { route, params } = found ?? notFound(request);
    send(response, 200, await route.handle({ params, body: await bodyOf(request) }));
  } catch (error) {
    const code = codeOf(error);
    send(response, STATUS_BY_CODE[code] ?? 500, {
      code,
      message: messageOf(error),
      ...(error instanceof CloudPhoenixError && error.hint !== undefined && { hint: error.hint }),
    });
  }
}

/** Errors of every package carry a code; other errors are defects. */
function codeOf(error: unknown): string {
  const coded = error instanceof Error && "code" in error && typeof error.code === "string";
  return coded ? String(error.code) : "INTERNAL";
}

function send(response: ServerResponse, status: number, body: Json): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function authorize(token: string | null, request: IncomingMessage): void {
  if (token === null) return;
  const expected = Buffer.from(`Bearer ${token}`);
  const given = Buffer.from(request.headers.authorization ?? "");
  if (expected.length === given.length && timingSafeEqual(expected, given)) return;
  throw new CloudPhoenixError("UNAUTHORIZED", "the bearer token is missing or wrong", {
    retryable: false,
  });
}

function find(
  routes: readonly Route[],
  request: IncomingMessage,
): { readonly route: Route; readonly params: Readonly<Record<string, string>> } | null {
  const path = pathOf(request);
  for (const route of routes) {
    const params = match(route.path, path);
    if (route.method === request.method && params !== null) return { route, params };
  }
  return null;
}

function notFound(request: IncomingMessage): never {
  const message = `there is no ${request.method} ${pathOf(request)}`;
  throw new CloudPhoenixError("NOT_FOUND", message, { retryable: false });
}

function pathOf(request: IncomingMessage): string {
  return new URL(request.url ?? "/", "http://localhost").pathname;
}

function match(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? "";
    if (part.startsWith(":")) params[part.slice(1)] = decodeURIComponent(value);
    else if (part !== value) return null;
  }
  return params;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) {
    text += String(chunk);
    if (text.length > BODY_BYTES_MAX) throw badRequest("the body is too long");
  }
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw badRequest("the body is not JSON", cause);
  }
}

function badRequest(message: string, cause?: unknown): CloudPhoenixError {
  return new CloudPhoenixError("BAD_REQUEST", message, { retryable: false, cause });
}
