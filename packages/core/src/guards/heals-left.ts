import { limitText } from "../span-text.ts";
import { type Guard, block, pass } from "./guard.ts";

/** Is healing still worth trying? Repairs that keep being undone hide what is wrong. */
export const healsLeft: Guard = ({ situation, target }) => {
  const { healsMax, healWindowMs } = situation.policy;
  const sinceMs = situation.nowMs - healWindowMs;
  const count = situation.activity.healsEnded.filter(
    ({ site, atMs }) => site === target?.id && atMs > sinceMs,
  ).length;
  const counted = `${count} of ${healsMax} heals used within ${limitText(healWindowMs)}`;
  if (count < healsMax) return pass("heals-left", `${counted}.`);
  return block("heals-left", `${counted}: healing does not help, a person must look.`);
};
