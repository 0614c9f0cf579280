/** One region of one cloud: nodes with pods, load balancer, database, control plane, agent. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { AgentSignal } from "../faults/index.ts";
import { type JsonApi, serveJson } from "../http/json-api.ts";
import { type Impairment, Link } from "../links/index.ts";
import { KeptProcess, ProcessRegistry } from "../process/index.ts";
import { Balancer } from "./balancer.ts";
import { SiteDatabase } from "./database.ts";
import { GenerationGuard } from "./generation-guard.ts";
import { SiteObjectStore } from "./object-store.ts";
import type { SiteSpec, WorkloadSpec } from "./operations.ts";
import { providerRoutes } from "./provider-api.ts";
import { SiteWorkload } from "./workload.ts";

/** What a site consists of before it opens. */
interface SiteParts {
  readonly spec: SiteSpec;
  readonly registry: ProcessRegistry;
  readonly workloads: readonly SiteWorkload[];
  /** The one of them that serves clients. */
  readonly entry: SiteWorkload;
  readonly database: SiteDatabase;
  readonly databaseLink: Link;
  readonly objects: SiteObjectStore | null;
}

export class Site {
  readonly workloads: readonly SiteWorkload[];
  /** The one of them that serves clients. */
  readonly entry: SiteWorkload;
  readonly database: SiteDatabase;
  /** Null: the site has none. */
  readonly objects: SiteObjectStore | null;
  readonly #parts: SiteParts;
  #api: JsonApi | null = null;
  #balancers: readonly Balancer[] = [];
  #agent: KeptProcess | null = null;

  private constructor(parts: SiteParts) {
    this.#parts = parts;
    this.workloads = parts.workloads;
    this.entry = parts.entry;
    this.database = parts.database;
    this.objects = parts.objects;
  }

  /** Starts database and control plane. @throws {CloudPhoenixError} `PORT_TAKEN`; PostgreSQL's errors */
  static async start(spec: SiteSpec): Promise<Site> {
    mkdirSync(spec.directory, { recursive: true });
    const registry = new ProcessRegistry(spec.registryDirectory);
    const [database, objects] = await Promise.all([
      SiteDatabase.open({
        site: spec.id,
        directory: join(spec.directory, "postgres"),
        port: spec.ports.postgres,
        spec: spec.database,
        registry,
      }),
      openObjects(spec, registry),
    ]);
    const databaseLink = await Link.open({
      name: `${spec.cloud}->${spec.cloud}:postgres`,
      listen: { host: "127.0.0.1", port: spec.ports.databaseLink },
      target: { host: "127.0.0.1", port: spec.ports.postgres },
      delayMs: 0,
      random: { next: () => Math.random() },
    });
    const [entry, ...others] = spec.workloads;
    const workloadOf = (workload: WorkloadSpec): SiteWorkload =>
      new SiteWorkload({
        site: spec.id,
        spec: workload,
        logDirectory: spec.logDirectory,
        registry,
      });
    const first = workloadOf(entry);
    const workloads = [first, ...others.map(workloadOf)];
    const site = new Site({
      spec,
      registry,
      workloads,
      entry: first,
      database,
      databaseLink,
      objects,
    });
    site.#api = await site.#serveProvider();
    return site;
  }

  /** Starts load balancers and agent, and, unless it shall stay idle, every replica. */
  async open({ idle }: { readonly idle: boolean }): Promise<void> {
    const { spec, registry, workloads } = this.#parts;
    this.#balancers = await openBalancers(workloads);
    if (!idle) for (const workload of workloads) workload.scaleUp();
    if (spec.agent === null) return;
    const name = `${spec.id}-agent`;
    const logFile = join(spec.logDirectory, `${name}.log`);
    this.#agent = new KeptProcess({ name, logFile, registry, ...spec.agent });
  }

  /** Null lifts what was done to the way from pods to database. */
  impairDatabase(impairment: Impairment | null): void {
    this.#parts.databaseLink.impair("fault", impairment);
  }

  /** @throws {CloudPhoenixError} `NOT_RUNNING` if there is no agent */
  signalAgent(how: AgentSignal): void {
    if (this.#agent === null) {
      throw new CloudPhoenixError("NOT_RUNNING", "the site has no agent", { retryable: false });
    }
    this.#agent[how]();
  }

  /** Ends everything in order. */
  async stop(): Promise<void> {
    await this.#api?.close();
    await Promise.all([
      this.#agent?.stop(),
      ...this.workloads.map((workload) => workload.close()),
      ...this.#balancers.map((balancer) => balancer.close()),
    ]);
    await this.#parts.databaseLink.close();
    await Promise.all([this.database.stop(), this.objects?.stop()]);
  }

  /** Kills everything: all signals are sent before the first wait. */
  async lose(): Promise<void> {
    for (const workload of this.workloads) workload.kill();
    this.#agent?.kill();
    await Promise.all([this.database.kill(), this.objects?.kill()]);
  }

  #serveProvider(): Promise<JsonApi> {
    const { spec, workloads, database } = this.#parts;
    return serveJson({
      host: "127.0.0.1",
      port: spec.ports.provider,
      token: readFileSync(spec.tokenFile, "utf8").trim(),
      routes: providerRoutes({
        workloads,
        database,
        balancers: () => this.#balancers,
        generations: new GenerationGuard(join(spec.directory, "generation")),
      }),
    });
  }
}

async function openObjects(
  { id, directory, objects }: SiteSpec,
  registry: ProcessRegistry,
): Promise<SiteObjectStore | null> {
  if (objects === null) return null;
  return SiteObjectStore.open({
    site: id,
    directory: join(directory, "objects"),
    spec: objects,
    registry,
  });
}

/** In the order of the workloads that have one. */
function openBalancers(workloads: readonly SiteWorkload[]): Promise<readonly Balancer[]> {
  return Promise.all(
    workloads.flatMap((workload) =>
      workload.balancerPort === null ? [] : [Balancer.open(workload, workload.balancerPort)],
    ),
  );
}
