/** Real object stores, the way to one that can be disturbed, and storage of the chassis on it. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { connect, createServer, type Server, type Socket } from "node:net";
import { openStorage, parseStorageUrl, type GuardedStorage } from "../src/index.ts";
import type { OpenStorageOptions } from "../src/index.ts";
import { freePort } from "./chassis-world.ts";

/** A store that runs, seen from a service. */
export interface Store {
  readonly name: string;
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

const ACCOUNT = "devstoreaccount1";
// Azurite's own, printed in its documentation.
const ACCOUNT_KEY =
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

export async function startBlob(): Promise<Store> {
  const port = await freePort();
  const main = createRequire(import.meta.url).resolve("azurite/dist/src/blob/main.js");
  const child = spawn(
    process.execPath,
    [
      main,
      "--blobHost",
      "127.0.0.1",
      "--blobPort",
      String(port),
      "--inMemoryPersistence",
      "--silent",
      "--skipApiVersionCheck",
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const exit = new Promise((resolve) => child.on("exit", resolve));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (text) => String(text).includes("listens") && resolve());
    void exit.then(() => reject(new Error("azurite ended")));
  });
  const { ContainerClient, StorageSharedKeyCredential } = await import("@azure/storage-blob");
  const key = new StorageSharedKeyCredential(ACCOUNT, ACCOUNT_KEY);
  const store: Store = {
    name: "azblob",
    port,
    url: (at) => `azblob://${ACCOUNT}/receipts?endpoint=http://127.0.0.1:${at}`,
    keyId: null,
    secret: ACCOUNT_KEY,
    another: async (container) => {
      await new ContainerClient(`http://127.0.0.1:${port}/${ACCOUNT}/${container}`, key).create();
      return { ...store, url: (at) => store.url(at).replace("receipts", container) };
    },
    close: async () => {
      child.kill("SIGTERM");
      await exit;
    },
  };
  return store.another("receipts");
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

/** What the way to a store does with those who take it. */
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
  | "cut";

const SLOW_MS = 5_000;
const BUSY =
  "HTTP/1.1 503 Slow Down\r\ncontent-type: application/xml\r\ncontent-length: 62\r\n\r\n" +
  "<Error><Code>SlowDown</Code><Message>later</Message></Error>\r\n";

/** A way to a store, between it and whoever is told `port`. */
export class Way {
  readonly port: number;
  readonly #target: number;
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
      else if (this.#mode === "slow") setTimeout(() => socket.write(bytes), SLOW_MS).unref();
      else socket.write(bytes);
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
