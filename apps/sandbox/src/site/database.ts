/** The PostgreSQL of a site. */
import { locateBinaries, type LocalServer, openServer } from "@cloudphoenix/local-postgres";
import type { ProcessRegistry } from "../process/index.ts";
import type { DatabaseSpec } from "./operations.ts";

export interface SiteDatabaseOptions {
  readonly site: string;
  readonly directory: string;
  readonly port: number;
  readonly spec: DatabaseSpec;
  readonly registry: ProcessRegistry;
}

export class SiteDatabase {
  readonly #options: SiteDatabaseOptions;
  readonly #server: LocalServer;

  private constructor(options: SiteDatabaseOptions, server: LocalServer) {
    this.#options = options;
    this.#server = server;
    this.#record();
  }

  /** Makes the cluster if there is none and starts it. Errors as `openServer` has them. */
  static async open(options: SiteDatabaseOptions): Promise<SiteDatabase> {
    const { spec, directory, port } = options;
    const server = await openServer({
      directory,
      auth: { kind: "scram", passwordFile: spec.passwordFile },
      socket: null,
      tcp: { host: "127.0.0.1", port },
      settings: spec.settings,
      superuser: spec.superuser,
      binaries: await locateBinaries({ cacheDirectory: spec.cacheDirectory }),
    });
    return new SiteDatabase(options, server);
  }

  get state(): "running" | "stopped" {
    return this.#server.isAlive() ? "running" : "stopped";
  }

  /** Starts the server if it does not run. Idempotent. */
  async start(): Promise<void> {
    await this.#server.start();
    this.#record();
  }

  async stop(): Promise<void> {
    const pid = this.#server.pid();
    await this.#server.stop("fast");
    if (pid !== null) this.#options.registry.remove(pid);
  }

  /** Kills it as a power cut would; every process has its signal before the first await. */
  async kill(): Promise<void> {
    const pid = this.#server.pid();
    await this.#server.killHard();
    if (pid !== null) this.#options.registry.remove(pid);
  }

  #record(): void {
    const pid = this.#server.pid();
    if (pid !== null) this.#options.registry.add(pid, `${this.#options.site}/postgres`);
  }
}
