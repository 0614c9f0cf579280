/**
 * The pods of a site and the nodes they run on: the part of the platform that schedules.
 *
 * 1. A pod that ended by itself stays down until `restart`: healing is CloudPhoenix's work.
 * 2. A pod only starts on a node that is up, on the one with the fewest pods.
 */
import { join } from "node:path";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { ProcessRegistry } from "../process/index.ts";
import type { WorkloadSpec } from "./operations.ts";
import { Pod } from "./pod.ts";

export interface WorkloadOptions {
  /** `aws-us-east-1`: nodes are named after it. */
  readonly site: string;
  readonly spec: WorkloadSpec;
  readonly logDirectory: string;
  readonly registry: ProcessRegistry;
}

interface Node {
  readonly zone: string;
  readonly name: string;
  up: boolean;
}

/** A node, and what of this workload is on it. */
export interface NodeReport {
  readonly name: string;
  readonly up: boolean;
  readonly pods: number;
  /** Names of those that crashed and stay down. */
  readonly crashed: readonly string[];
}

/** A pod younger than this may still be starting and is not replaced. */
const STARTING_MS = 3_000;

export class SiteWorkload {
  readonly #options: WorkloadOptions;
  readonly #nodes: readonly Node[];
  #pods: Pod[] = [];
  #desired = 0;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#nodes = options.spec.zones.map((zone) => ({
      zone,
      name: `${options.site}${zone}`,
      up: true,
    }));
  }

  get name(): string {
    return this.#options.spec.name;
  }

  /** Where its load balancer listens; null if it has none. */
  get balancerPort(): number | null {
    return this.#options.spec.balancerPort;
  }

  get desired(): number {
    return this.#desired;
  }

  /** Every pod that is or should be there. */
  get pods(): readonly Pod[] {
    return this.#pods;
  }

  get ready(): number {
    return this.#pods.filter(({ ready }) => ready).length;
  }

  get troubles(): readonly string[] {
    const missing = this.#missing();
    const lacking =
      missing > 0 ? [`${missing} of ${this.#desired} replicas have no node to run on`] : [];
    return [...this.#pods.flatMap(({ trouble }) => trouble ?? []), ...lacking];
  }

  /**
   * Sets how many pods there should be and starts or ends what is needed; does not wait for it.
   * @throws {CloudPhoenixError} `BAD_REQUEST` beyond the room there is
   */
  scale(replicas: number): void {
    const room = this.#options.spec.ports.length;
    if (replicas > room) {
      const message = `this site has room for ${room} replicas, not ${replicas}`;
      throw new CloudPhoenixError("BAD_REQUEST", message, { retryable: false });
    }
    this.#desired = replicas;
    const kept = this.#pods.filter(({ state }) => state !== "ending");
    for (const pod of kept.slice(replicas)) this.#remove(pod);
    this.#fill();
  }

  /** Brings it to its normal number of replicas. */
  scaleUp(): void {
    this.scale(this.#options.spec.replicas);
  }

  /** Replaces every pod that crashed or does not get ready. */
  restart(): void {
    const stale = this.#pods.filter(
      (pod) =>
        pod.state === "crashed" ||
        (pod.state === "running" &&
          !pod.ready &&
          performance.now() - pod.startedAtMs > STARTING_MS),
    );
    for (const pod of stale) this.#remove(pod);
    this.#fill();
  }

  /** Takes the node of `zone` away, with all that runs on it. */
  failZone(zone: string): void {
    const node = this.#node(zone);
    node.up = false;
    for (const pod of this.#pods) if (pod.node === node.name) pod.crash();
  }

  restoreZone(zone: string): void {
    this.#node(zone).up = true;
  }

  nodes(): readonly NodeReport[] {
    return this.#nodes.map(({ name, up }) => {
      const pods = this.#pods.filter((pod) => pod.node === name);
      const crashed = pods.filter((pod) => pod.state === "crashed").map((pod) => pod.name);
      return { name, up, pods: pods.length, crashed };
    });
  }

  /** Ends every pod in order. */
  async close(): Promise<void> {
    this.#desired = 0;
    await Promise.all(this.#pods.map((pod) => pod.end()));
  }

  /** Kills every pod at once. */
  kill(): void {
    this.#desired = 0;
    for (const pod of this.#pods) pod.crash();
  }

  #missing(): number {
    return this.#desired - this.#pods.filter(({ state }) => state !== "ending").length;
  }

  #fill(): void {
    for (let missing = this.#missing(); missing > 0; missing -= 1) {
      const node = this.#freestNode();
      const port = this.#freePort();
      if (node === null || port === null) return;
      const name = `${this.name}-${port.index}`;
      this.#pods.push(
        new Pod({
          name,
          node: node.name,
          port: port.number,
          workload: this.#options.spec,
          logFile: join(this.#options.logDirectory, `${this.#options.site}-${name}.log`),
          registry: this.#options.registry,
        }),
      );
    }
  }

  #freestNode(): Node | null {
    const load = (node: Node): number => this.#pods.filter((pod) => pod.node === node.name).length;
    const up = this.#nodes.filter((node) => node.up);
    return up.toSorted((one, other) => load(one) - load(other))[0] ?? null;
  }

  #freePort(): { readonly index: number; readonly number: number } | null {
    for (const [index, number] of this.#options.spec.ports.entries()) {
      if (this.#pods.every((pod) => pod.port !== number)) return { index, number };
    }
    return null;
  }

  /** Ends a pod; it stays listed, as ending, until it is gone. */
  #remove(pod: Pod): void {
    const forget = (): void => {
      this.#pods = this.#pods.filter((each) => each !== pod);
      this.#fill();
    };
    if (pod.state === "crashed") this.#pods = this.#pods.filter((each) => each !== pod);
    else void pod.end().then(forget);
  }

  #node(zone: string): Node {
    const node = this.#nodes.find((each) => each.zone === zone);
    if (node !== undefined) return node;
    throw new CloudPhoenixError("NOT_FOUND", `there is no zone ${zone}`, { retryable: false });
  }
}
