import { measuredText } from "../span-text.ts";
import { type Guard, approve, block, pass } from "./guard.ts";

/** Is moving frozen now? Nothing moves by itself then; a person's request waits for a second one. */
export const freezeWindow: Guard = ({ cause, situation }) => {
  const { nowMs } = situation;
  const freeze = situation.policy.freezes.find(
    (window) => window.fromMs <= nowMs && nowMs < window.untilMs,
  );
  if (freeze === undefined) return pass("freeze-window", "No freeze window is open.");
  const open = `Moves are frozen for another ${measuredText(freeze.untilMs - nowMs)} (${freeze.reason})`;
  if (cause.kind === "level") return block("freeze-window", `${open}.`);
  return approve("freeze-window", `${open}; another person must agree to move anyway.`);
};
