import { planWords } from "../plan-words.ts";
import { type Guard, block, pass } from "./guard.ts";

/** Is nothing else being done? A move supersedes a heal; everything else must end first. */
export const oneRun: Guard = ({ plan, situation }) => {
  const { running } = situation.activity;
  if (running === null) return pass("one-run", "No run is under way.");
  const run = `Run ${running.id} (${planWords(running.kind)}) is under way`;
  if (running.kind === "heal" && plan !== "heal") {
    return pass("one-run", `${run}; ${planWords(plan)} supersedes it.`);
  }
  return block("one-run", `${run}: 1 run at a time.`);
};
