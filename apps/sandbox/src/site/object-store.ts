/** The object store of a site: a process of its own, which ends with the site. */
import { readFileSync } from "node:fs";
import { CloudPhoenixError, hasCode, messageOf } from "@cloudphoenix/core";
import { spawnLocalS3, startAzurite } from "@cloudphoenix/local-objects";
import type { ProcessRegistry } from "../process/index.ts";
import type { ObjectStoreSpec } from "./operations.ts";

export interface SiteObjectStoreOptions {
  readonly site: string;
  /** Keeps everything that is stored, also when the site is lost. */
  readonly directory: string;
  readonly spec: ObjectStoreSpec;
  readonly registry: ProcessRegistry;
}

/** What both servers have. */
interface ObjectServer {
  readonly pid: number;
  readonly exited: Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

export class SiteObjectStore {
  readonly #options: SiteObjectStoreOptions;
  #server: ObjectServer;
  #runs = true;

  private constructor(options: SiteObjectStoreOptions, server: ObjectServer) {
    this.#options = options;
    this.#server = server;
    this.#record();
  }

  /** @throws {CloudPhoenixError} `PORT_TAKEN`, `STATE_UNAVAILABLE` */
  static async open(options: SiteObjectStoreOptions): Promise<SiteObjectStore> {
    return new SiteObjectStore(options, await serve(options));
  }

  /** Starts it again if it does not run. */
  async start(): Promise<void> {
    if (this.#runs) return;
    this.#server = await serve(this.#options);
    this.#record();
  }

  async stop(): Promise<void> {
    await this.#server.stop();
    this.#options.registry.remove(this.#server.pid);
  }

  /** Kills it; the signal is sent before the first await. */
  async kill(): Promise<void> {
    await this.#server.kill();
    this.#options.registry.remove(this.#server.pid);
  }

  #record(): void {
    this.#runs = true;
    void this.#server.exited.then(() => (this.#runs = false));
    this.#options.registry.add(this.#server.pid, `${this.#options.site}/objects`);
  }
}

async function serve({ directory, spec }: SiteObjectStoreOptions): Promise<ObjectServer> {
  const { kind, region, port, eventsPort, queue, account, keyFile } = spec;
  const key = readFileSync(keyFile, "utf8").trim();
  try {
    if (kind === "azblob") {
      return await startAzurite({
        directory,
        blobPort: port,
        queuePort: eventsPort,
        eventQueue: queue,
        accountName: account,
        accountKey: key,
      });
    }
    return await spawnLocalS3({
      directory,
      port,
      region,
      credentials: [{ accessKeyId: account, secretAccessKey: key }],
      queues: { port: eventsPort, names: [queue] },
    });
  } catch (error) {
    const code = hasCode(error, "PORT_TAKEN") ? "PORT_TAKEN" : "STATE_UNAVAILABLE";
    throw new CloudPhoenixError(code, messageOf(error), { retryable: true, cause: error });
  }
}
