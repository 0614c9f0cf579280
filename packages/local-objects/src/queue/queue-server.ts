/** Serves queues over the JSON protocol of SQS, for the official client. */
import { hash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { percentDecode } from "../percent-encoding.ts";
import { closeServer, listen } from "../process/http-server.ts";
import { SignatureRefusal, type SignatureVerifier } from "../signature/verify-signature.ts";
import { isRecord, QUEUE_OPERATIONS, QueueError } from "./queue-operations.ts";
import type { QueueRegistry } from "./queue-registry.ts";

export interface QueueServerOptions {
  readonly queues: QueueRegistry;
  readonly verifier: SignatureVerifier;
  readonly host: string;
  readonly port: number;
  readonly onInternalError: (error: unknown) => void;
}

export interface QueueServer {
  readonly endpoint: string;
  stop(): Promise<void>;
}

const BODY_MAX_BYTES = 2 * 1024 * 1024;
const TARGET = "AmazonSQS.";

/** @throws {LocalObjectsError} `PORT_TAKEN` */
export async function startQueueServer(options: QueueServerOptions): Promise<QueueServer> {
  const stopping = new AbortController();
  let endpoint = "";
  const server = createServer((incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.once("close", () => gone.abort());
    const signal = AbortSignal.any([gone.signal, stopping.signal]);
    void answer({ options, incoming, outgoing, endpoint, signal });
  });
  const port = await listen(server, options.host, options.port);
  endpoint = `http://${options.host}:${port}`;
  return {
    endpoint,
    stop: async () => {
      stopping.abort();
      await closeServer(server);
    },
  };
}

interface Exchange {
  readonly options: QueueServerOptions;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly endpoint: string;
  readonly signal: AbortSignal;
}

async function answer(exchange: Exchange): Promise<void> {
  const { outgoing, options } = exchange;
  try {
    send(outgoing, 200, await perform(exchange));
  } catch (error) {
    const known = error instanceof QueueError;
    if (!known && !outgoing.destroyed) options.onInternalError(error);
    const told = known ? error : new QueueError("InternalFailure", "internal", { status: 500 });
    outgoing.setHeader("x-amzn-query-error", `${told.queryCode};Sender`);
    send(outgoing, told.status, {
      __type: `com.amazonaws.sqs#${told.code}`,
      message: told.message,
    });
  }
}

function send(outgoing: ServerResponse, status: number, body: object): void {
  if (outgoing.destroyed) return;
  const text = JSON.stringify(body);
  outgoing.writeHead(status, {
    "content-type": "application/x-amz-json-1.0",
    "content-length": Buffer.byteLength(text),
  });
  outgoing.end(text);
}

async function perform({ options, incoming, endpoint, signal }: Exchange): Promise<object> {
  const target = String(incoming.headers["x-amz-target"] ?? "");
  const name = target.startsWith(TARGET) ? target.slice(TARGET.length) : "";
  const body = await bodyOf(incoming);
  const accessKeyId = signerOf(options.verifier, incoming, body);
  const operation = Object.hasOwn(QUEUE_OPERATIONS, name) ? QUEUE_OPERATIONS[name] : undefined;
  if (operation === undefined) {
    throw new QueueError("UnsupportedOperation", `${target} is not implemented by this server`);
  }
  const { queues } = options;
  return operation({ input: inputOf(body), queues, endpoint, signal, accessKeyId });
}

function inputOf(body: string): Readonly<Record<string, unknown>> {
  try {
    const input: unknown = JSON.parse(body === "" ? "{}" : body);
    if (isRecord(input)) return input;
  } catch {
    // Told below, as any other body that is no object.
  }
  throw new QueueError("SerializationException", "The body is not a JSON object");
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const blocks: Buffer[] = [];
  let bytes = 0;
  for await (const block of incoming as AsyncIterable<Buffer>) {
    bytes += block.length;
    if (bytes > BODY_MAX_BYTES)
      throw new QueueError("InvalidParameterValue", "The body is too long");
    blocks.push(block);
  }
  return Buffer.concat(blocks).toString("utf8");
}

/** Who signed. @throws {QueueError} */
function signerOf(verifier: SignatureVerifier, incoming: IncomingMessage, body: string): string {
  const path = (incoming.url ?? "/").split("?", 1)[0] ?? "/";
  try {
    const { accessKeyId } = verifier.verify({
      method: incoming.method ?? "",
      path: percentDecode(path) ?? path,
      query: [],
      headers: incoming.headers,
      payloadHash: hash("sha256", body),
    });
    return accessKeyId;
  } catch (error) {
    if (!(error instanceof SignatureRefusal)) throw error;
    throw refusalOf(error);
  }
}

function refusalOf({ reason, message }: SignatureRefusal): QueueError {
  if (reason === "unknown-key" || reason === "token") {
    const text = "The security token included in the request is invalid.";
    return new QueueError("InvalidClientTokenId", text, { status: 403 });
  }
  if (reason === "missing") {
    const text = "Request is missing Authentication Token";
    return new QueueError("MissingAuthenticationToken", text, { status: 403 });
  }
  if (reason === "mismatch") {
    const text = "The request signature we calculated does not match the signature you provided.";
    return new QueueError("SignatureDoesNotMatch", text, { status: 403 });
  }
  return new QueueError("IncompleteSignature", message, { status: 403 });
}
