/** One replica of the workload: a real process on a node. */
import { request } from "node:http";
import { Child, type ProcessRegistry } from "../process/index.ts";
import type { WorkloadSpec } from "./operations.ts";

export interface PodOptions {
  readonly name: string;
  readonly node: string;
  readonly port: number;
  readonly workload: WorkloadSpec;
  readonly logFile: string;
  readonly registry: ProcessRegistry;
}

/** `crashed` pods stay down until the control plane is told to replace them. */
type PodState = "running" | "ending" | "crashed";

/** Between two readiness checks of a pod. */
const CHECK_EVERY_MS = 250;
/** A pod that needs longer than this to say whether it is ready counts as not answering. */
const CHECK_TIMEOUT_MS = 1_000;
/** Time to finish requests before a pod is killed. */
const END_GRACE_MS = 1_000;

export class Pod {
  readonly name: string;
  readonly node: string;
  readonly port: number;
  readonly startedAtMs: number = performance.now();
  readonly #child: Child;
  #state: PodState = "running";
  #ready = false;
  #answers = false;
  #end = "";
  #timer: NodeJS.Timeout | null = null;

  constructor(options: PodOptions) {
    const { name, node, port, workload, logFile, registry } = options;
    this.name = name;
    this.node = node;
    this.port = port;
    this.#child = Child.start({
      name: `${node}/${name}`,
      program: workload.program,
      args: workload.args,
      env: { ...workload.env, HOST: "127.0.0.1", PORT: String(port), POD: name },
      logFile,
      registry,
    });
    void this.#watchEnd();
    void this.#check();
  }

  get state(): PodState {
    return this.#state;
  }

  /** Whether it says it is ready for requests. */
  get ready(): boolean {
    return this.#state === "running" && this.#ready;
  }

  /** Whether it answers at all, ready or not. */
  get answers(): boolean {
    return this.#state === "running" && this.#answers;
  }

  /** Why it does not serve, for people; null if it does. */
  get trouble(): string | null {
    const where = `${this.name} on ${this.node}`;
    if (this.#state === "crashed") return `${where} ended (${this.#end}) and stays down`;
    if (this.#state === "ending") return `${where} is ending`;
    if (!this.#answers) return `${where} does not answer`;
    return this.#ready ? null : `${where} is not ready`;
  }

  /** Ends it as a crash would. */
  crash(): void {
    this.#child.kill();
  }

  /** Marks it unusable at once: a balancer that was refused knows before the next check. */
  markDown(): void {
    this.#ready = false;
    this.#answers = false;
  }

  /** Ends it in order; resolves when it is gone. Idempotent. */
  async end(): Promise<void> {
    if (this.#state === "running") this.#state = "ending";
    await this.#child.stop(END_GRACE_MS);
  }

  async #watchEnd(): Promise<void> {
    const { code, signal } = await this.#child.exited;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#end = signal ?? `exit code ${code}`;
    if (this.#state === "running") this.#state = "crashed";
  }

  async #check(): Promise<void> {
    const status = await askStatus(this.port);
    if (!this.#child.alive) return;
    this.#answers = status !== null;
    this.#ready = status === 200;
    this.#timer = setTimeout(() => void this.#check(), CHECK_EVERY_MS);
  }
}

/** HTTP status of `/ready`; null without an answer. */
function askStatus(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const asking = request(
      { host: "127.0.0.1", port, path: "/ready", agent: false, timeout: CHECK_TIMEOUT_MS },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? null);
      },
    );
    asking.on("timeout", () => asking.destroy());
    asking.on("error", () => resolve(null));
    asking.end();
  });
}
