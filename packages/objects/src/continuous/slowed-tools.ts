import type { CopyTools } from "../copy-tools.ts";
import type { Lane } from "../lane.ts";

/** `tools` that make `lane` do less at once when a store asks for patience or does not answer. */
export function slowedTools(tools: CopyTools, lane: Pick<Lane, "slowDown">): CopyTools {
  return {
    ...tools,
    onRetry: (error) => {
      lane.slowDown();
      tools.onRetry?.(error);
    },
  };
}
