/** A worker process: runs the batches its parent orders. */
import { type BatchOrder, runBatch } from "./batch.ts";

process.on("message", (order: BatchOrder) => {
  runBatch(order).then(
    (summary) => process.send?.(summary),
    (error: unknown) => {
      process.send?.({
        broken: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    },
  );
});
// The parent decides when to stop; a Ctrl-C in the terminal reaches us, too.
process.on("SIGINT", () => undefined);
process.on("disconnect", () => process.exit(0));
