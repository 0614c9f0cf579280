/** Starts the S3 server, and the queues it tells of its objects, in this process. */
import { createServer, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { isSystemError, LocalObjectsError } from "../error.ts";
import { FaultBoard } from "../faults/fault-board.ts";
import { OperationCounters } from "../faults/operation-counters.ts";
import { closeServer, listen } from "../process/http-server.ts";
import { publishEvent, testEvent } from "../queue/event-publisher.ts";
import { QueueRegistry } from "../queue/queue-registry.ts";
import { type QueueServer, startQueueServer } from "../queue/queue-server.ts";
import type { LocalCredentials } from "../signature/credentials.ts";
import { SignatureVerifier } from "../signature/verify-signature.ts";
import { ObjectDatabase } from "../store/object-database.ts";
import { OWNER_ID, type S3Limits, type S3Services } from "./call.ts";
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
  /** Serves queues for events too; they live in memory and end with the server. Default: none. */
  readonly queues?: LocalQueueOptions;
  /** Epoch milliseconds. Default: the machine's clock. */
  readonly now?: () => number;
  /** From 0 to below 1, for faults with a share. Default: `Math.random`. */
  readonly random?: () => number;
  /** Hears of failures that are the server's own. Default: they go to standard error. */
  readonly onInternalError?: (error: unknown) => void;
}

export interface LocalQueueOptions {
  /** 0 takes any free one. */
  readonly port: number;
  /** Made at the start. Clients can make more. */
  readonly names: readonly string[];
}

/** A running server. */
export interface LocalS3 {
  /** For instance `http://127.0.0.1:9000`. */
  readonly endpoint: string;
  readonly port: number;
  readonly region: string;
  readonly faults: FaultBoard;
  readonly counters: OperationCounters;
  /** Where clients of the queues connect; null without queues. */
  readonly queueEndpoint: string | null;
  readonly queues: QueueRegistry;
  /** Ends it: no new requests, a moment for those under way, then the connections. Idempotent. */
  stop(): Promise<void>;
}

const DEFAULT_LIMITS: S3Limits = { maxBodyBytes: 5 * 1024 ** 3, minPartBytes: 5 * 1024 ** 2 };
const HEADERS_MAX_BYTES = 16 * 1024;
/** A connection on which nothing moves is closed. */
const IDLE_LIMIT_MS = 60_000;

/** What the parts of one server share. */
interface Frame {
  readonly host: string;
  readonly region: string;
  readonly now: () => number;
  readonly random: () => number;
  readonly onInternalError: (error: unknown) => void;
}

/**
 * Opens the directory and listens.
 * @throws {LocalObjectsError} `PORT_TAKEN`, `CONFIG_INVALID`, `STATE_UNAVAILABLE`, `STATE_VERSION`
 */
export async function startLocalS3(options: LocalS3Options): Promise<LocalS3> {
  const frame: Frame = {
    host: options.host ?? "127.0.0.1",
    region: options.region ?? "us-east-1",
    now: options.now ?? Date.now,
    random: options.random ?? Math.random,
    onInternalError: options.onInternalError ?? ((error) => console.error(error)),
  };
  if (options.credentials.length === 0) {
    throw new LocalObjectsError("CONFIG_INVALID", "nobody could sign: there are no credentials", {
      hint: "Give at least one access key.",
    });
  }
  const { directory, durable = false } = options;
  const database = await ObjectDatabase.open({ directory, durable });
  try {
    return await serve(options, frame, database);
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function serve(
  options: LocalS3Options,
  frame: Frame,
  database: ObjectDatabase,
): Promise<LocalS3> {
  const { host, region, now, random, onInternalError } = frame;
  const faults = new FaultBoard(random);
  const counters = new OperationCounters();
  const queues = new QueueRegistry(region, { now, random });
  for (const name of options.queues?.names ?? []) queues.create(name);
  const handler = new RequestHandler({
    services: servicesOf(options, frame, { database, queues }),
    verifier: verifierOf(options, frame, "s3"),
    faults,
    counters,
    hostSuffixes: options.hostSuffixes ?? ["s3.localhost", "localhost"],
    onInternalError,
  });
  const queueServer = await startQueues(options, frame, queues);
  const server = serverOf(handler);
  let port: number;
  try {
    port = await listen(server, host, options.port);
  } catch (error) {
    await queueServer?.stop();
    throw error;
  }
  let stopping: Promise<void> | null = null;
  return {
    endpoint: `http://${host}:${port}`,
    port,
    region,
    faults,
    counters,
    queueEndpoint: queueServer?.endpoint ?? null,
    queues,
    stop: async () => (stopping ??= stopAll(server, queueServer, database)),
  };
}

async function stopAll(
  server: Server,
  queueServer: QueueServer | null,
  database: ObjectDatabase,
): Promise<void> {
  await Promise.all([closeServer(server), queueServer?.stop()]);
  await database.close();
}

async function startQueues(
  options: LocalS3Options,
  frame: Frame,
  queues: QueueRegistry,
): Promise<QueueServer | null> {
  if (options.queues === undefined) return null;
  const verifier = verifierOf(options, frame, "sqs");
  const { host, onInternalError } = frame;
  return startQueueServer({ queues, verifier, host, port: options.queues.port, onInternalError });
}

function verifierOf(
  { credentials }: LocalS3Options,
  { region, now }: Frame,
  service: string,
): SignatureVerifier {
  return new SignatureVerifier({ credentials, region, service, now });
}

function servicesOf(
  options: LocalS3Options,
  { region, now }: Frame,
  parts: { readonly database: ObjectDatabase; readonly queues: QueueRegistry },
): S3Services {
  const { database, queues } = parts;
  return {
    database,
    region,
    now,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    publish: (event) => publishEvent(queues, event, { region, ownerId: OWNER_ID }),
    announce: (bucket, arn) => queues.byArn(arn)?.send(testEvent(bucket, now())),
    hasQueue: (arn) => queues.byArn(arn) !== null,
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
