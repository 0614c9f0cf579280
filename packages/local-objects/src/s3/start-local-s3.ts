/** Starts the S3 server in this process. */
import { createServer, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { isSystemError, LocalObjectsError } from "../error.ts";
import { FaultBoard } from "../faults/fault-board.ts";
import { OperationCounters } from "../faults/operation-counters.ts";
import type { LocalCredentials } from "../signature/credentials.ts";
import { SignatureVerifier } from "../signature/verify-signature.ts";
import { ObjectDatabase } from "../store/object-database.ts";
import type { S3Limits, S3Services } from "./call.ts";
import { RequestHandler } from "./handle-request.ts";
import { S3Error } from "./s3-error.ts";

export interface LocalS3Options {
  /** Holds everything that is stored; made if absent. */
  readonly directory: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** Default: `127.0.0.1`. */
  readonly host?: string;
  /** Requests must be signed for it. Default: `us-east-1`. */
  readonly region?: string;
  /** Who may sign; everybody listed may do everything. */
  readonly credentials: readonly LocalCredentials[];
  /** `bucket.<suffix>` addresses a bucket by host name. Default: `localhost`, `s3.localhost`. */
  readonly hostSuffixes?: readonly string[];
  /** Whether acknowledged writes survive a power cut too. Default: false, they survive `kill -9`. */
  readonly durable?: boolean;
  readonly limits?: Partial<S3Limits>;
  /** Epoch milliseconds. Default: the machine's clock. */
  readonly now?: () => number;
  /** From 0 to below 1, for faults with a share. Default: `Math.random`. */
  readonly random?: () => number;
  /** Hears of failures that are the server's own. Default: they go to standard error. */
  readonly onInternalError?: (error: unknown) => void;
}

/** A running server. */
export interface LocalS3 {
  /** For instance `http://127.0.0.1:9000`. */
  readonly endpoint: string;
  readonly port: number;
  readonly region: string;
  readonly faults: FaultBoard;
  readonly counters: OperationCounters;
  /** Ends it: no new requests, a moment for those under way, then the connections. Idempotent. */
  stop(): Promise<void>;
}

const DEFAULT_LIMITS: S3Limits = { maxBodyBytes: 5 * 1024 ** 3, minPartBytes: 5 * 1024 ** 2 };
const HEADERS_MAX_BYTES = 16 * 1024;
/** A connection on which nothing moves is closed. */
const IDLE_LIMIT_MS = 60_000;
const STOP_GRACE_MS = 2_000;

/**
 * Opens the directory and listens.
 * @throws {LocalObjectsError} `PORT_TAKEN`, `CONFIG_INVALID`, `STATE_UNAVAILABLE`, `STATE_VERSION`
 */
export async function startLocalS3(options: LocalS3Options): Promise<LocalS3> {
  const { directory, durable = false, host = "127.0.0.1", region = "us-east-1" } = options;
  if (options.credentials.length === 0) {
    throw new LocalObjectsError("CONFIG_INVALID", "nobody could sign: there are no credentials", {
      hint: "Give at least one access key.",
    });
  }
  const database = await ObjectDatabase.open({ directory, durable });
  const faults = new FaultBoard(options.random ?? Math.random);
  const counters = new OperationCounters();
  const now = options.now ?? Date.now;
  const handler = new RequestHandler({
    services: servicesOf(options, database, region),
    verifier: new SignatureVerifier({
      credentials: options.credentials,
      region,
      service: "s3",
      now,
    }),
    faults,
    counters,
    hostSuffixes: options.hostSuffixes ?? ["s3.localhost", "localhost"],
    onInternalError: options.onInternalError ?? ((error) => console.error(error)),
  });
  const server = serverOf(handler);
  let port: number;
  try {
    port = await listen(server, host, options.port);
  } catch (error) {
    await database.close();
    throw error;
  }
  let stopping: Promise<void> | null = null;
  return {
    endpoint: `http://${host}:${port}`,
    port,
    region,
    faults,
    counters,
    stop: () => (stopping ??= closeServer(server).then(async () => database.close())),
  };
}

function servicesOf(options: LocalS3Options, database: ObjectDatabase, region: string): S3Services {
  return {
    database,
    region,
    now: options.now ?? Date.now,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    publish: () => undefined,
    hasQueue: () => false,
  };
}

function serverOf(handler: RequestHandler): Server {
  const server = createServer({
    maxHeaderSize: HEADERS_MAX_BYTES,
    keepAliveTimeout: IDLE_LIMIT_MS,
    // Large bodies take their time; a connection without any movement is caught by `timeout`.
    requestTimeout: 0,
    noDelay: true,
  });
  server.timeout = IDLE_LIMIT_MS;
  server.on("request", (incoming, outgoing) => void handler.handle(incoming, outgoing, false));
  server.on("checkContinue", (incoming, outgoing) => void handler.handle(incoming, outgoing, true));
  server.on("clientError", answerClientError);
  return server;
}

/** What is not even HTTP, or too much of it. */
function answerClientError(error: Error, socket: Duplex): void {
  if (!socket.writable || socket.destroyed) {
    socket.destroy();
    return;
  }
  const isTooLarge = isSystemError(error, "HPE_HEADER_OVERFLOW");
  const refusal = new S3Error(isTooLarge ? "RequestHeaderSectionTooLarge" : "InvalidRequest");
  const body = refusal.toXml("/", "0");
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: application/xml\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** Resolves with the port. @throws {LocalObjectsError} `PORT_TAKEN` */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      reject(isSystemError(cause, "EADDRINUSE") ? portTaken(port, cause) : cause);
    });
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}

function portTaken(port: number, cause: unknown): LocalObjectsError {
  const hint = `Stop what listens on ${port}, or choose another port.`;
  return new LocalObjectsError("PORT_TAKEN", `port ${port} is taken`, { hint, cause });
}

/** Lets requests under way finish for a moment, then ends their connections. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const forcing = setTimeout(() => server.closeAllConnections(), STOP_GRACE_MS);
  await closed;
  clearTimeout(forcing);
}
