/** Worker processes that run batches of seeds side by side. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { BatchOrder, BatchSummary } from "./batch.ts";

const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));

/**
 * A worker is replaced after this many orders. A world ends in the middle of things, and what waited
 * there for ever adds up: after ten thousand worlds a process is slow, then out of memory.
 */
const ORDERS_PER_WORKER = 40;

type Answer = BatchSummary | { readonly broken: string };

export class WorkerPool {
  readonly #size: number;
  readonly #workers = new Set<ChildProcess>();

  constructor(size: number) {
    this.#size = size;
  }

  /**
   * Lets every worker run orders until `next` has none left.
   * @throws {Error} if a worker breaks or dies
   */
  async run(
    next: () => BatchOrder | null,
    done: (summary: BatchSummary, order: BatchOrder) => void,
  ): Promise<void> {
    const lane = async (): Promise<void> => {
      let worker = this.#start();
      let orders = 0;
      for (let order = next(); order !== null; order = next()) {
        if (orders === ORDERS_PER_WORKER) {
          this.#end(worker);
          worker = this.#start();
          orders = 0;
        }
        orders += 1;
        done(await ask(worker, order), order);
      }
    };
    await Promise.all(Array.from({ length: this.#size }, lane));
  }

  stop(): void {
    for (const worker of this.#workers) this.#end(worker);
  }

  #start(): ChildProcess {
    const worker = fork(WORKER, { stdio: "inherit" });
    this.#workers.add(worker);
    return worker;
  }

  #end(worker: ChildProcess): void {
    this.#workers.delete(worker);
    if (worker.connected) worker.disconnect();
  }
}

function ask(worker: ChildProcess, order: BatchOrder): Promise<BatchSummary> {
  const { promise, resolve, reject } = Promise.withResolvers<BatchSummary>();
  const onExit = (): void => reject(new Error("a simulation worker died"));
  worker.once("exit", onExit);
  worker.once("message", (answer: Answer) => {
    worker.off("exit", onExit);
    if ("broken" in answer) reject(new Error(answer.broken));
    else resolve(answer);
  });
  worker.send(order);
  return promise;
}
