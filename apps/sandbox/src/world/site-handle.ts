/** A site from the outside: the process that runs it, and what may be asked of it. */
import { join } from "node:path";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { AgentSignal, SiteUnderFault } from "../faults/index.ts";
import type { Impairment } from "../links/index.ts";
import type { Instant } from "../network/operations.ts";
import { Child, type ProcessRegistry, type ProgramSpec, Remote } from "../process/index.ts";
import type { SiteOperations, SiteSpec } from "../site/operations.ts";

export interface SiteHandleOptions {
  readonly program: ProgramSpec;
  readonly spec: SiteSpec;
  readonly registry: ProcessRegistry;
  /** Whether another site is the active one now. */
  readonly isReplaced: () => Promise<boolean>;
}

/** Longest that killing all processes of a site may take before its own process is killed anyway. */
const LOSE_WITHIN_MS = 2_000;
const STOP_GRACE_MS = 10_000;

export class SiteHandle implements SiteUnderFault {
  readonly #options: SiteHandleOptions;
  #child: Child | null = null;
  #remote: Remote<SiteOperations> | null = null;

  constructor(options: SiteHandleOptions) {
    this.#options = options;
  }

  /** Starts the site's process, database and control plane. */
  async start(): Promise<void> {
    await this.#start(this.#options.spec);
  }

  /** Starts load balancer and agent, and, unless it shall stay idle, every replica. */
  async open({ idle }: { readonly idle: boolean }): Promise<void> {
    await this.#site().call("open", { idle });
  }

  /** Ends everything in order. Idempotent; a lost site is fine. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === null || !child.alive) return;
    const stopping = this.#site().call("stop", null);
    await within(stopping, STOP_GRACE_MS);
    child.kill();
    await child.exited;
  }

  async crashPod(): Promise<Instant> {
    return this.#site().call("crash-pod", null);
  }

  async restartPods(): Promise<void> {
    await this.#site().call("restart-pods", null);
  }

  async crashDatabase(): Promise<Instant> {
    return this.#site().call("crash-database", null);
  }

  async startDatabase(): Promise<void> {
    await this.#site().call("start-database", null);
  }

  async impairDatabase(impairment: Impairment | null): Promise<Instant> {
    return this.#site().call("impair-database", { impairment });
  }

  async failZone(zone: string): Promise<Instant> {
    return this.#site().call("fail-zone", { zone });
  }

  async restoreZone(zone: string): Promise<void> {
    await this.#site().call("restore-zone", { zone });
  }

  async signalAgent(how: AgentSignal): Promise<Instant> {
    return this.#site().call("signal-agent", { how });
  }

  async lose(): Promise<void> {
    const child = this.#child;
    if (child === null || !child.alive) return;
    await within(this.#site().call("lose", null), LOSE_WITHIN_MS);
    child.kill();
    await child.exited;
  }

  async bringBack(): Promise<void> {
    const { spec, isReplaced } = this.#options;
    await this.lose();
    const replaced = await isReplaced();
    await this.#start(spec);
    await this.open({ idle: replaced });
  }

  async #start(spec: SiteSpec): Promise<void> {
    const child = Child.start({
      ...this.#options.program,
      name: spec.id,
      logFile: join(spec.logDirectory, `${spec.id}.log`),
      registry: this.#options.registry,
      talks: "ipc",
    });
    this.#child = child;
    this.#remote = new Remote(spec.id, child.process);
    await this.#remote.call("start", spec);
  }

  #site(): Remote<SiteOperations> {
    const { id } = this.#options.spec;
    if (this.#remote === null) throw new Error(`site ${id} was never started`);
    if (this.#child?.alive === true) return this.#remote;
    throw new CloudPhoenixError("NOT_RUNNING", `nothing is left of ${id} that could be reached`, {
      retryable: false,
      hint: "Mend region-loss first.",
    });
  }
}

/** Waits for `work`, failed or not, but no longer than `limitMs`. */
async function within(work: Promise<unknown>, limitMs: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, limitMs);
  await Promise.race([Promise.allSettled([work]), late]);
  clearTimeout(timer);
}
