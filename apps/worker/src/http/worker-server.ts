/** `/live`, `/ready` and `/metrics`: what a platform asks a worker. Nothing here is secret. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { HostPort } from "@cloudphoenix/config";
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";

export interface WorkerServerParts {
  /** Why it is not ready, in words; null if it is. */
  readonly notReady: () => Promise<string | null>;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

export interface WorkerServer {
  readonly url: string;
  close(): Promise<void>;
}

const REQUEST_LIMIT_MS = 5_000;

/** @throws {CloudPhoenixError} `PORT_TAKEN` */
export async function startWorkerServer(
  { host, port }: HostPort,
  parts: WorkerServerParts,
): Promise<WorkerServer> {
  const server = createServer({ requestTimeout: REQUEST_LIMIT_MS }, (request, response) => {
    void answer(request, response, parts);
  });
  await listening(server, { host, port });
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://${host}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  parts: WorkerServerParts,
): Promise<void> {
  const { pathname } = new URL(request.url ?? "/", "http://worker");
  const isRead = request.method === "GET" || request.method === "HEAD";
  try {
    if (!isRead) send(response, 405, { code: "BAD_REQUEST", message: "only GET and HEAD" });
    else if (pathname === "/live") send(response, 200, { status: "live" });
    else if (pathname === "/ready") {
      const reason = await parts.notReady();
      send(response, reason === null ? 200 : 503, {
        status: reason === null ? "ready" : "not-ready",
        reason,
      });
    } else if (pathname === "/metrics") {
      const { contentType, text } = await parts.metrics();
      response.writeHead(200, { "content-type": contentType }).end(text);
    } else send(response, 404, { code: "NOT_FOUND", message: "no such resource" });
  } catch (error) {
    send(response, 503, { code: "INTERNAL", message: messageOf(error) });
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response
    .writeHead(status, { "content-type": "application/json", "cache-control": "no-store" })
    .end(JSON.stringify(body));
}

async function listening(server: Server, { host, port }: HostPort): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<null>();
  server.once("error", (cause) => {
    const isTaken = messageOf(cause).includes("EADDRINUSE");
    const code = isTaken ? "PORT_TAKEN" : "CONFIG_INVALID";
    const message = isTaken
      ? `${host}:${port} is taken by another process`
      : `cannot listen at ${host}:${port}: ${messageOf(cause)}`;
    const hint = "Choose another address with --listen.";
    reject(new CloudPhoenixError(code, message, { retryable: false, hint, cause }));
  });
  server.listen(port, host, () => resolve(null));
  await promise;
}
