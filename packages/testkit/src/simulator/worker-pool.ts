/** Worker processes that run batches of seeds side by side. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { BatchOrder, BatchSummary } from "./batch.ts";

const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));

type Answer = BatchSummary | { readonly broken: string };

export class WorkerPool {
  readonly #workers: readonly ChildProcess[];

  constructor(size: number) {
    this.#workers = Array.from({ length: size }, () => fork(WORKER, { stdio: "inherit" }));
  }

  /**
   * Lets every worker run orders until `next` has none left.
   * @throws {Error} if a worker breaks or dies
   */
  async run(
    next: () => BatchOrder | null,
    done: (summary: BatchSummary, order: BatchOrder) => void,
  ): Promise<void> {
    await Promise.all(
      this.#workers.map(async (worker) => {
        for (let order = next(); order !== null; order = next()) {
          done(await ask(worker, order), order);
        }
      }),
    );
  }

  stop(): void {
    for (const worker of this.#workers) if (worker.connected) worker.disconnect();
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
