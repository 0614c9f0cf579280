/** Real object stores, the way to one that can be disturbed, and storage of the chassis on it. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FaultBoard, startAzurite, startLocalS3 } from "@cloudphoenix/local-objects";
import { type GuardedStorage, openStorage, parseStorageUrl } from "../src/index.ts";
import type { OpenStorageOptions } from "../src/index.ts";
import { freePort } from "../../local-postgres/test/free-port.ts";

/** A store that runs, seen from a service. */
export interface Store {
  readonly port: number;
  /** `STORAGE_URL` of a service that reaches it at `port`. */
  url(port: number): string;
  /** `STORAGE_KEY_ID` and `STORAGE_KEY`. */
  readonly keyId: string | null;
  readonly secret: string;
  /** A new, empty bucket or container of the same server; closing it closes the server. */
  another(bucket: string): Promise<Store>;
  close(): Promise<void>;
}

/** An S3 server, and the board that says what it does wrong. */
export interface S3Store extends Store {
  readonly faults: FaultBoard;
}

/** Both stores, by the names of their addresses. */
export const STORES: readonly (readonly [string, () => Promise<Store>])[] = [
  ["s3", () => startS3()],
  ["azblob", () => startBlob()],
];

export async function startS3(): Promise<S3Store> {
  const directory = await mkdtemp(join(tmpdir(), "s3-"));
  const accessKeyId = "receipts";
  const secretAccessKey = randomBytes(20).toString("hex");
  const credentials = [{ accessKeyId, secretAccessKey }];
  const server = await startLocalS3({ directory, port: 0, credentials });
  const { CreateBucketCommand, S3Client } = await import("@aws-sdk/client-s3");
  const { endpoint, region } = server;
  const admin = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  const bucketNamed = async (bucket: string): Promise<S3Store> => {
    await admin.send(new CreateBucketCommand({ Bucket: bucket }));
    return {
      port: server.port,
      url: (at) => `s3://${bucket}?region=${region}&endpoint=http://127.0.0.1:${at}`,
      keyId: accessKeyId,
      secret: secretAccessKey,
      faults: server.faults,
      another: bucketNamed,
      close: async () => {
        admin.destroy();
        await server.stop();
        await rm(directory, { recursive: true, force: true });
      },
    };
  };
  return bucketNamed("receipts");
}

async function startBlob(): Promise<Store> {
  const server = await startAzurite({ directory: null, blobPort: 0 });
  const { accountName, accountKey } = server;
  const { ContainerClient, StorageSharedKeyCredential } = await import("@azure/storage-blob");
  const key = new StorageSharedKeyCredential(accountName, accountKey);
  const containerNamed = async (container: string): Promise<Store> => {
    await new ContainerClient(`${server.blobEndpoint}/${container}`, key).create();
    return {
      port: Number(new URL(server.blobEndpoint).port),
      url: (at) => `azblob://${accountName}/${container}?endpoint=http://127.0.0.1:${at}`,
      keyId: null,
      secret: accountKey,
      another: containerNamed,
      close: () => server.stop(),
    };
  };
  return containerNamed("receipts");
}

/** Storage of the chassis on `store`, reached at `port`. Close it yourself. */
export function storageOn(
  store: Store,
  options: Partial<OpenStorageOptions> & { readonly port?: number } = {},
): GuardedStorage {
  const { port = store.port, ...rest } = options;
  const address = parseStorageUrl(store.url(port));
  if (typeof address === "string") throw new Error(address);
  return openStorage(address, {
    environment: { STORE_SECRET: store.secret },
    keyId: store.keyId,
    key: "env:STORE_SECRET",
    onWarning: () => undefined,
    ...rest,
  });
}

/** What the way to a server does with those who take it. */
export type WayMode =
  | "open"
  /** Nobody listens. */
  | "refused"
  /** Connections are taken and nothing is ever said. */
  | "silent"
  /** Everything is answered 503. */
  | "busy"
  /** Answers come 5 s late. */
  | "slow"
  /** The connection ends after the first bytes of an answer. */
  | "cut"
  /** Requests arrive, and the connection ends instead of an answer. */
  | "mute";

const SLOW_MS = 5_000;
const BUSY =
  "HTTP/1.1 503 Slow Down\r\ncontent-type: application/xml\r\ncontent-length: 62\r\n\r\n" +
  "<Error><Code>SlowDown</Code><Message>later</Message></Error>\r\n";

/** A way to a server, between it and whoever is told `port`. */
export class Way {
  readonly port: number;
  #target: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #mode: WayMode = "open";
  /** Connections that were made since the way was opened. */
  connections = 0;

  private constructor(port: number, target: number) {
    this.port = port;
    this.#target = target;
  }

  static async to(target: number): Promise<Way> {
    const way = new Way(await freePort(), target);
    await way.#listen();
    return way;
  }

  /** Ends what is under way, and treats what comes next as `mode` says. */
  async set(mode: WayMode): Promise<void> {
    this.#mode = mode;
    this.#drop();
    if (mode === "refused") await this.#close();
    else if (this.#server === null) await this.#listen();
  }

  /** Treats what is under way, too, as `mode` says, without ending it. */
  turn(mode: Exclude<WayMode, "refused">): void {
    this.#mode = mode;
  }

  /** Ends what is under way; from now on the way leads elsewhere, as a name that moved does. */
  leadTo(target: number): void {
    this.#target = target;
    this.#drop();
  }

  async close(): Promise<void> {
    this.#drop();
    await this.#close();
  }

  #drop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  async #listen(): Promise<void> {
    const server = createServer((socket) => this.#treat(socket));
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.#server = server;
  }

  async #close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server !== null) await new Promise((resolve) => server.close(resolve));
  }

  #treat(socket: Socket): void {
    this.connections += 1;
    this.#keep(socket);
    if (this.#mode === "silent") return;
    if (this.#mode === "busy") {
      socket.on("data", () => socket.write(BUSY));
      return;
    }
    const store = connect(this.#target, "127.0.0.1");
    this.#keep(store);
    socket.on("data", (bytes) => store.write(bytes));
    store.on("data", (bytes) => {
      if (this.#mode === "cut") socket.end(bytes.subarray(0, 20));
      else if (this.#mode === "mute") socket.destroy();
      else if (this.#mode === "slow") setTimeout(() => socket.write(bytes), SLOW_MS).unref();
      else if (this.#mode !== "silent") socket.write(bytes);
    });
    socket.on("close", () => store.destroy());
    store.on("close", () => socket.destroy());
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
  }
}
