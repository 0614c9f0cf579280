import { planWords } from "../plan-words.ts";
import { supersedes } from "../supersedes.ts";
import { type Guard, block, pass } from "./guard.ts";

/**
 * Is nothing else being done? A move supersedes a heal, a heal of the active site one of a standby,
 * anything a rejoin, which can be started again at any time, and a move what is left of one that has
 * opened writes; everything else must end first.
 */
export const oneRun: Guard = ({ plan, target, active, situation }) => {
  const { running } = situation.activity;
  if (running === null) return pass("one-run", "No run is under way.");
  const run = `Run ${running.id} (${planWords(running.kind)}) is under way`;
  const next = { kind: plan, to: target?.id ?? active.id };
  if (supersedes(next, running, active.id)) {
    return pass("one-run", `${run}; ${planWords(plan)} supersedes it.`);
  }
  return block("one-run", `${run}: 1 run at a time.`);
};
