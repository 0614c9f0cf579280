/** An open sandbox. */
import { renameSync, writeFileSync } from "node:fs";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { FaultName } from "../faults/index.ts";
import { serveJson } from "../http/json-api.ts";
import type { Impairment, LinkStats } from "../links/index.ts";
import type { Instant, NetworkOperations } from "../network/operations.ts";
import { type KeptProcess, processIdentity, type Remote } from "../process/index.ts";
import { activePlace } from "./active-place.ts";
import type { Cleanups } from "./cleanups.ts";
import { controlRoutes } from "./control-api.ts";
import type { FaultAtWork, FaultBoard } from "./fault-board.ts";
import type { Ground } from "./ground.ts";
import { removeHome } from "./leftovers.ts";
import { linkMatcher } from "./link-matcher.ts";
import { WorldLoad } from "./load.ts";
import { type ObjectCensus, takeObjectCensus } from "./object-census.ts";
import { type Place, PLACES } from "./places.ts";
import { readSecret, SECRETS } from "./secrets.ts";
import { CLIENT_PORT } from "./topology.ts";
import type { WorldFile } from "./world-file.ts";
import { RATE_PER_SECOND_DEFAULT, type WorldOptions } from "./world-options.ts";

/** Parts a world is put together from. */
export interface WorldParts {
  readonly options: WorldOptions;
  readonly ground: Ground;
  readonly network: Remote<NetworkOperations>;
  readonly controllers: readonly KeptProcess[];
  /** Null without objects. */
  readonly worker: KeptProcess | null;
  readonly faults: FaultBoard;
  readonly cleanups: Cleanups;
}

/** Where to reach what. */
export interface WorldUrls {
  /** APIs of the controllers. */
  readonly controllers: readonly string[];
  /** What clients use: follows the DNS record. */
  readonly edge: string;
  /** The page people use: follows the DNS record, too. */
  readonly storefront: string;
  /** Public entry of each site, whoever the DNS record points to. */
  readonly entries: Readonly<Record<string, string>>;
  /** Where the worker answers Prometheus and whoever asks whether it lives; null without objects. */
  readonly worker: string | null;
  /** `host:port` of the DNS server. */
  readonly dns: string;
  /** Where the sandbox itself is steered. */
  readonly control: string;
}

/** What a sandbox says of itself. */
export interface WorldStatus {
  readonly name: string;
  readonly home: string;
  readonly pid: number;
  /** The site users are led to. */
  readonly active: string;
  readonly faults: readonly FaultAtWork[];
  readonly urls: WorldUrls;
}

/** Owner of what is done to links by hand. */
const BY_HAND = "by-hand";

export class World {
  readonly name: string;
  /** Folder with configuration, secrets and logs. Gone after `close`. */
  readonly home: string;
  readonly urls: WorldUrls;
  readonly configFile: string;
  readonly apiTokenFile: string;
  readonly logDirectory: string;
  /** They are started again when they end by themselves. */
  readonly controllers: readonly KeptProcess[];
  /** Copies objects from site to site; null without objects. */
  readonly worker: KeptProcess | null;
  /** Clients that write and count; not started yet. */
  readonly load: WorldLoad;
  /** Resolves when another terminal asks this sandbox to end. */
  readonly stopAsked: Promise<void>;
  readonly #parts: WorldParts;
  readonly #askToStop: () => void;
  #closing: Promise<void> | null = null;

  constructor(parts: WorldParts) {
    const { layout, ports } = parts.ground;
    this.#parts = parts;
    this.name = parts.options.name;
    this.home = layout.home;
    this.configFile = layout.configFile(1);
    this.apiTokenFile = layout.secret(SECRETS.api);
    this.logDirectory = layout.logs;
    this.controllers = parts.controllers;
    this.worker = parts.worker;
    this.load = new WorldLoad({
      ground: parts.ground,
      ratePerSecond: parts.options.ratePerSecond ?? RATE_PER_SECOND_DEFAULT,
      cleanups: parts.cleanups,
    });
    const loopback = (port: string): string => `http://127.0.0.1:${ports.get(port)}`;
    this.urls = {
      controllers: parts.controllers.map((_, index) => loopback(`api-${index + 1}`)),
      edge: loopback("edge"),
      storefront: loopback("store-edge"),
      entries: Object.fromEntries(
        PLACES.map(({ id, address }) => [id, `http://${address}:${ports.get(CLIENT_PORT)}`]),
      ),
      worker: parts.worker === null ? null : loopback("worker"),
      dns: `127.0.0.1:${ports.get("dns")}`,
      control: loopback("control"),
    };
    const { promise, resolve } = Promise.withResolvers<void>();
    this.stopAsked = promise;
    this.#askToStop = resolve;
  }

  /**
   * Causes a fault, at the active site unless another is named.
   * @throws {CloudPhoenixError} `CONFLICT` if it is at work there already, `NOT_FOUND` for the site
   */
  async breakIt(fault: FaultName, site?: string): Promise<FaultAtWork> {
    return this.#parts.faults.cause(fault, await this.#place(site));
  }

  /** Mends one fault wherever it is at work, or all. Idempotent. Returns what was mended. */
  mend(fault?: FaultName): Promise<readonly FaultAtWork[]> {
    return this.#parts.faults.mend(fault);
  }

  /**
   * Impairs links by hand, beside any fault; replaces what was done by hand before.
   * @param pattern - `*` stands for anything, for instance `azure->aws:*`
   */
  async impairLinks(pattern: string, impairment: Impairment): Promise<Instant> {
    await this.#parts.faults.repair(BY_HAND);
    return this.#parts.faults.impair(BY_HAND, linkMatcher(pattern), impairment);
  }

  /** Lifts what was done by hand. Idempotent. */
  repairLinks(): Promise<Instant> {
    return this.#parts.faults.repair(BY_HAND);
  }

  /** Whether the application has objects here. */
  get hasObjects(): boolean {
    return this.#parts.options.objects ?? false;
  }

  /**
   * Counts the objects of a site, the active one unless another is named, by listing everything.
   * @throws {CloudPhoenixError} if its database or its store cannot be read
   */
  async objectCensus(signal: AbortSignal, site?: string): Promise<ObjectCensus> {
    return takeObjectCensus(await this.#place(site), this.#parts.ground, signal);
  }

  links(): Promise<Readonly<Record<string, LinkStats>>> {
    return this.#parts.network.call("stats", null);
  }

  async status(): Promise<WorldStatus> {
    const { id } = await activePlace(this.#parts.ground.ports.get("dns"));
    const { name, home, urls } = this;
    const faults = this.#parts.faults.list();
    return { name, home, pid: process.pid, active: id, faults, urls };
  }

  /** Lets other terminals steer this sandbox. Called once, by `openWorld`. */
  async serveControl(): Promise<void> {
    const { ground, cleanups } = this.#parts;
    const api = await serveJson({
      host: "127.0.0.1",
      port: ground.ports.get("control"),
      token: readSecret(ground.layout, SECRETS.control),
      routes: controlRoutes(this, this.#askToStop),
    });
    cleanups.add(() => api.close());
    this.#writeFile();
  }

  /** Ends every process and removes every file. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#parts.cleanups.run();
    removeHome(this.#parts.ground.layout);
  }

  async #place(site: string | undefined): Promise<Place> {
    return site === undefined
      ? activePlace(this.#parts.ground.ports.get("dns"))
      : placeCalled(site);
  }

  #writeFile(): void {
    const { layout, registry } = this.#parts.ground;
    const content: WorldFile = {
      name: this.name,
      pid: process.pid,
      identity: processIdentity(process.pid) ?? "",
      urls: this.urls,
      configFile: this.configFile,
      apiTokenFile: this.apiTokenFile,
      controlTokenFile: layout.secret(SECRETS.control),
      processes: registry.alive(),
    };
    writeFileSync(`${layout.worldFile}.new`, `${JSON.stringify(content, null, 2)}\n`, {
      mode: 0o600,
    });
    renameSync(`${layout.worldFile}.new`, layout.worldFile);
  }
}

/** By identifier or cloud. @throws {CloudPhoenixError} `NOT_FOUND` */
function placeCalled(site: string): Place {
  const place = PLACES.find(({ id, cloud }) => id === site || cloud === site);
  if (place !== undefined) return place;
  throw new CloudPhoenixError("NOT_FOUND", `there is no site ${site}`, {
    retryable: false,
    hint: `Name one of ${PLACES.map(({ id }) => id).join(", ")}.`,
  });
}
