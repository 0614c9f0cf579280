/** Debug logs for a while, turned on and off by whoever looks for a fault. */
import { changeLevel, type LeveledLogger } from "./logger.ts";

/** Long enough to look at a problem, short enough to be forgotten. */
const DEBUG_FOR_MS = 15 * 60_000;

/** Answers a function that turns debug logs on for fifteen minutes; or off, while they are on. */
export function debugSwitch(logger: LeveledLogger): () => void {
  let restore: (() => void) | null = null;
  return () => {
    if (restore === null) {
      restore = changeLevel(logger, "debug", DEBUG_FOR_MS, () => {
        restore = null;
      });
    } else restore();
  };
}
