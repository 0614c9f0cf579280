/** Steers a server in another process: faults, counters, queues. JSON over HTTP, bearer token. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { LocalObjectsError } from "../error.ts";
import { closeServer, listen } from "../process/http-server.ts";
import type { LocalS3 } from "../s3/start-local-s3.ts";
import { equalSignatures } from "../signature/canonical-request.ts";
import { parseFaults, parseQueueFaults } from "./parse-faults.ts";

export interface ControlOptions {
  /** 0 takes any free one. Loopback only. */
  readonly port: number;
  readonly token: string;
}

export interface ControlServer {
  /** For instance `http://127.0.0.1:9002`. */
  readonly endpoint: string;
  stop(): Promise<void>;
}

const HOST = "127.0.0.1";
const BODY_MAX_BYTES = 256 * 1024;

/** @throws {LocalObjectsError} `PORT_TAKEN` */
export async function startControlServer(
  s3: LocalS3,
  { port: wanted, token }: ControlOptions,
): Promise<ControlServer> {
  const server = createServer((incoming, outgoing) => {
    void answer(s3, token, incoming, outgoing);
  });
  const port = await listen(server, HOST, wanted);
  return { endpoint: `http://${HOST}:${port}`, stop: async () => closeServer(server) };
}

async function answer(
  s3: LocalS3,
  token: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  try {
    if (!equalSignatures(incoming.headers.authorization ?? "", `Bearer ${token}`)) {
      send(outgoing, 401, { message: "the bearer token is missing or wrong" });
      return;
    }
    const body = await bodyOf(incoming);
    const route = `${incoming.method} ${incoming.url}`;
    const result = perform(s3, route, body);
    if (result === null) send(outgoing, 404, { message: `there is no ${route}` });
    else send(outgoing, 200, result);
  } catch (error) {
    const isTheirs = error instanceof LocalObjectsError || error instanceof SyntaxError;
    send(outgoing, isTheirs ? 400 : 500, { message: isTheirs ? error.message : "internal" });
  }
}

/** Null if there is no such route. */
function perform(s3: LocalS3, route: string, body: string): object | null {
  const queue = /^PUT \/queues\/([\w-]+)\/faults$/u.exec(route)?.[1];
  if (queue !== undefined) {
    s3.queues.create(queue).setFaults(parseQueueFaults(JSON.parse(body)));
    return {};
  }
  switch (route) {
    case "GET /faults":
      return { faults: s3.faults.report() };
    case "PUT /faults":
      s3.faults.set(parseFaults(JSON.parse(body)));
      return { faults: s3.faults.report() };
    case "GET /counters":
      return { operations: s3.counters.report() };
    case "DELETE /counters":
      s3.counters.reset();
      return {};
    default:
      return null;
  }
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const blocks: Buffer[] = [];
  let bytes = 0;
  for await (const block of incoming as AsyncIterable<Buffer>) {
    bytes += block.length;
    if (bytes > BODY_MAX_BYTES) {
      throw new LocalObjectsError("CONFIG_INVALID", "the body is too long", {
        hint: "Set fewer faults at once.",
      });
    }
    blocks.push(block);
  }
  return Buffer.concat(blocks).toString("utf8");
}

function send(outgoing: ServerResponse, status: number, body: object): void {
  if (outgoing.destroyed) return;
  const text = JSON.stringify(body);
  outgoing.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  });
  outgoing.end(text);
}
