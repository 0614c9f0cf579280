import { type Guard, block, pass } from "./guard.ts";

/** Has a person switched automatic action off? */
export const maintenance: Guard = ({ situation }) => {
  const why = situation.activity.maintenance;
  if (why === null) return pass("maintenance", "Automatic action is on.");
  return block("maintenance", `Automatic action is switched off by a person (${why}).`);
};
